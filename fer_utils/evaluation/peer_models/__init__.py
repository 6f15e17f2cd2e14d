"""Networks of other people, read from their own files, as one kind of callable.

One module per file format: Keras, TFLite, ONNX, TensorFlow.js. A file is data here:
what would run code of its own (a Lambda layer, a pickle) is refused. Nothing of these
networks is shipped; who wants one brings the file.
"""

from fer_utils.evaluation.peer_models.network import Network, read
from fer_utils.evaluation.peer_models.table import KNOWN, Peer

__all__ = ["KNOWN", "Network", "Peer", "read"]
