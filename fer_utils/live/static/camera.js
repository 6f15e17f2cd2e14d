// The browser's half of the camera; the kernel's half is camera.py.
// A plain module: no build, no dependency, nothing is stored or sent elsewhere.

// What can go wrong, each with what to do about it.
const PROBLEMS = {
  insecure: [
    "This page is not secure, so the browser gives it no camera.",
    "Open Jupyter as http://localhost:… on this computer, or over https:// when it runs on another one.",
  ],
  denied: [
    "The browser may not use the camera.",
    "Click the camera or lock symbol beside the page's address, allow the camera, then press Start again. " +
      "If it is allowed there, look into the privacy settings of the computer. " +
      "A page inside another page may be forbidden to use it: open the notebook in a tab of its own.",
  ],
  "no camera": [
    "No camera was found.",
    "Plug one in or switch it on (some laptops have a key or a slider for it), then press Start again.",
  ],
  "in use": [
    "The camera cannot be opened.",
    "Another program or tab seems to use it: close that one, then press Start again.",
  ],
  "no answer": [
    "The kernel does not answer.",
    "It is busy with another cell, or it was restarted or has stopped. " +
      "If a cell is running, wait for it. Otherwise run the cell of this camera again.",
  ],
  error: ["The kernel could not work on the picture.", ""],
};

const FAILURES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "no camera",
  OverconstrainedError: "no camera",
  NotReadableError: "in use",
  AbortError: "in use",
};

// The first frame may have to wait until the network is compiled.
const FIRST_ANSWER_WITHIN = 60;
// So long without an answer, and the camera is switched off.
const GIVE_UP_AFTER = 60;
const MOST_PANELS = 3;

function element(tag, name, parent, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

function layout(root, settings) {
  root.classList.add("fer-camera");
  element("p", "fer-notice", root, settings.notice);
  const row = element("div", "fer-row", root);
  const button = element("button", "fer-button", row, "Start");
  button.type = "button";
  const found = element("span", "fer-found", row);
  found.setAttribute("aria-live", "polite");
  const speed = element("span", "fer-speed", row);
  const problem = element("p", "fer-problem", root);
  problem.setAttribute("role", "alert");
  problem.hidden = true;
  const stage = element("div", "fer-stage", root);
  stage.classList.toggle("fer-mirror", settings.mirror);
  const video = element("video", "fer-video", stage);
  Object.assign(video, { muted: true, playsInline: true, autoplay: true });
  const canvas = element("canvas", "fer-canvas", stage);
  element("div", "fer-empty", stage, "The camera is off. Pictures go to your kernel only and are not stored.");
  return { root, stage, video, canvas, button, found, speed, problem };
}

class Camera {
  constructor(model, root) {
    this.model = model;
    this.settings = model.get("settings");
    this.parts = layout(root, this.settings);
    this.view = Math.random().toString(36).slice(2);
    this.paper = document.createElement("canvas"); // what is sent is drawn here
    this.icons = {};
    for (const [name, address] of Object.entries(this.settings.icons)) {
      this.icons[name] = Object.assign(new Image(), { src: address });
    }
    this.number = 0;
    this.run = 0; // grows with every start and stop: what belongs to an older one is dropped
    this.receive = this.receive.bind(this);
    this.model.on("msg:custom", this.receive);
    this.parts.button.addEventListener("click", () => (this.running ? this.stop() : this.start()));
    this.show("stopped");
  }

  // State

  get running() {
    return Boolean(this.stream) || this.state === "starting";
  }

  show(state, details = "") {
    this.state = state;
    const { root, button, problem } = this.parts;
    root.dataset.state = state;
    root.dataset.live = String(Boolean(this.stream));
    button.textContent = this.running ? "Stop" : "Start";
    const [what, fix] = PROBLEMS[state] ?? ["", ""];
    problem.hidden = !what;
    problem.replaceChildren();
    if (what) {
      element("strong", "", problem, what);
      problem.append([details, fix].filter(Boolean).join(" "));
    }
    this.model.set("state", state);
    this.model.save_changes();
  }

  async start() {
    const run = ++this.run;
    if (!navigator.mediaDevices?.getUserMedia) return this.show("insecure");
    this.show("starting");
    let stream;
    try {
      const video = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" };
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      const state = FAILURES[error.name];
      if (run === this.run) this.show(state ?? "in use", state ? "" : `${error.name}: ${error.message}.`);
      return;
    }
    // Stopped while the browser was still asking.
    if (run !== this.run) return release(stream);
    this.stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => run === this.run && this.stop("no camera"));
    await this.play(stream);
    if (run !== this.run) return;
    this.watch(run);
    this.answers = [];
    this.answered = false;
    this.show("running");
    // A hello first: it tells in seconds whether the kernel is there at all, while the
    // first picture may have to wait until the network is compiled.
    this.ask("hello", [], this.settings.answer_within);
  }

  async play(stream) {
    const { video, stage } = this.parts;
    video.srcObject = stream;
    await video.play().catch(() => {});
    while (this.stream === stream && !video.videoWidth) await pause(20);
    if (video.videoWidth) stage.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
  }

  // Note every new picture of the camera: none is sent twice.
  watch(run) {
    const { video } = this.parts;
    const note = () => {
      this.fresh = true;
      this.wake?.();
      if (run === this.run) video.requestVideoFrameCallback(note);
    };
    if (video.requestVideoFrameCallback) note();
  }

  async newPicture() {
    const { video } = this.parts;
    if (video.paused) await video.play().catch(() => {}); // it pauses when it leaves the page
    if (!video.requestVideoFrameCallback) await pause(Math.max(0, 33 - (performance.now() - this.sent)));
    else if (!this.fresh) await Promise.race([new Promise((done) => (this.wake = done)), pause(200)]);
    this.fresh = false;
  }

  stop(state = "stopped", details = "") {
    this.run++;
    clearTimeout(this.patience);
    clearTimeout(this.end);
    if (this.stream) release(this.stream);
    this.stream = undefined;
    this.awaited = undefined;
    const { canvas, video, found, speed } = this.parts;
    video.srcObject = null;
    canvas.width = canvas.width; // empties it
    found.textContent = speed.textContent = "";
    this.show(state, details);
  }

  close() {
    this.stop();
    this.model.off("msg:custom", this.receive);
  }

  // One picture out, one answer in

  async send() {
    const run = this.run;
    // Nobody looks at a hidden tab, or at a cell that was scrolled away: no picture leaves.
    while ((document.hidden || !this.parts.root.isConnected) && run === this.run) await pause(200);
    await this.newPicture();
    const jpeg = run === this.run ? await this.picture() : undefined;
    if (!jpeg || run !== this.run) return;
    const patient = Math.max(FIRST_ANSWER_WITHIN, this.settings.answer_within);
    this.ask("frame", [jpeg], this.answered ? this.settings.answer_within : patient);
  }

  ask(kind, buffers, within) {
    this.awaited = ++this.number;
    this.sent = performance.now();
    this.wait(within);
    try {
      this.model.send({ kind, view: this.view, number: this.number }, undefined, buffers);
    } catch (error) {
      this.stop("no answer", `${error.message}.`); // the connection is closed
    }
  }

  async picture() {
    const { video } = this.parts;
    const shrink = Math.min(1, this.settings.width / video.videoWidth);
    this.paper.width = Math.max(1, Math.round(video.videoWidth * shrink));
    this.paper.height = Math.max(1, Math.round(video.videoHeight * shrink));
    this.paper.getContext("2d").drawImage(video, 0, 0, this.paper.width, this.paper.height);
    const blob = await new Promise((done) => this.paper.toBlob(done, "image/jpeg", this.settings.quality));
    return blob?.arrayBuffer();
  }

  wait(within) {
    clearTimeout(this.patience);
    clearTimeout(this.end);
    this.patience = setTimeout(() => this.show("no answer"), 1000 * within);
    this.end = setTimeout(() => this.stop("no answer"), 1000 * (within + GIVE_UP_AFTER));
  }

  receive(message) {
    // Other views of this widget get this message too, and a late answer may follow a stop.
    if (message.view !== this.view || message.number !== this.awaited) return;
    this.awaited = undefined;
    clearTimeout(this.patience);
    clearTimeout(this.end);
    if (message.kind === "error") return this.stop("error", message.message);
    if (this.state !== "running") this.show("running");
    if (message.kind === "hello") {
      this.parts.found.textContent = "The kernel prepares the network …";
      return this.send();
    }
    this.answered = true;
    this.draw(message);
    this.measure();
    this.parts.root.dispatchEvent(new CustomEvent("fer-answer", { detail: message, bubbles: true }));
    this.send();
  }

  measure() {
    const now = performance.now();
    this.answers = [...this.answers.filter((t) => now - t < 2000), now];
    const span = (now - this.answers[0]) / 1000;
    if (span < 0.5 || now - (this.written ?? 0) < 300) return;
    this.written = now;
    const rate = (this.answers.length - 1) / span;
    this.parts.speed.textContent = `${rate.toFixed(0)} per second, ${(now - this.sent).toFixed(0)} ms there and back`;
  }

  // Drawing

  draw(answer) {
    const { canvas, found } = this.parts;
    const sharp = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    const pen = canvas.getContext("2d");
    pen.scale(sharp, sharp);
    pen.textBaseline = "middle";
    const faces = answer.faces.map((face) => this.placed(face, width / answer.width, height / answer.height, width));
    faces.sort((a, b) => b.w * b.h - a.w * a.h);
    faces.forEach((face) => drawBox(pen, face));
    const taken = faces.map((face) => drawTag(pen, face, this.icons[face.label], width, height));
    faces.slice(0, MOST_PANELS).forEach((face, i) => {
      const others = [...taken, ...faces.filter((_, j) => j !== i)];
      const spot = drawPanel(pen, face, this.settings, others, width, height, faces.length === 1);
      if (spot) taken.push(spot);
    });
    const text = sentence(faces);
    if (found.textContent !== text) found.textContent = text;
  }

  placed(face, across, down, width) {
    let [x0, y0, x1, y1] = face.box;
    [x0, x1, y0, y1] = [x0 * across, x1 * across, y0 * down, y1 * down];
    if (this.settings.mirror) [x0, x1] = [width - x1, width - x0];
    const position = this.settings.classes.indexOf(face.label);
    const colour = this.settings.colours[position] ?? "#c8c8c8"; // grey: unsure
    return { ...face, colour, x: x0, y: y0, w: x1 - x0, h: y1 - y0 };
  }
}

const FONT = (weight) => `${weight} 14px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
const DARK = "#14161a";

function drawBox(pen, face) {
  for (const [line, colour] of [[5, DARK], [3, face.colour]]) {
    pen.lineWidth = line;
    pen.strokeStyle = colour;
    const inset = 2.5;
    const [x, y] = [Math.max(inset, face.x), Math.max(inset, face.y)];
    const right = Math.min(pen.canvas.clientWidth - inset, face.x + face.w);
    const bottom = Math.min(pen.canvas.clientHeight - inset, face.y + face.h);
    if (right > x && bottom > y) pen.strokeRect(x, y, right - x, bottom - y);
  }
}

function drawTag(pen, face, icon, width, height) {
  const sure = face.label !== "unsure" && face.probs.length;
  const text = sure ? `${face.label} ${percent(Math.max(...face.probs))} %` : face.label;
  pen.font = FONT(600);
  const tag = { w: pen.measureText(text).width + 38, h: 26 };
  tag.x = clip(face.x - 2, 0, width - tag.w);
  const above = face.y - tag.h;
  const below = face.y + face.h;
  tag.y = above >= 0 ? above : below + tag.h <= height ? below : clip(face.y, 0, height - tag.h);
  pen.fillStyle = face.colour;
  pen.fillRect(tag.x, tag.y, tag.w, tag.h);
  if (icon?.complete) pen.drawImage(icon, tag.x + 4, tag.y + 2, 22, 22);
  pen.fillStyle = inkOn(face.colour);
  pen.fillText(text, tag.x + 31, tag.y + tag.h / 2 + 1);
  return tag;
}

function drawPanel(pen, face, settings, others, width, height, alone) {
  pen.font = FONT(400);
  const names = Math.max(...settings.classes.map((name) => pen.measureText(name).width));
  const line = 18;
  const size = { w: names + 128, h: settings.classes.length * line + 12 };
  const y = clip(face.y, 0, height - size.h);
  const places = [face.x + face.w + 6, face.x - 6 - size.w].map((x) => ({ ...size, x, y }));
  // A face that fills the picture: its own skin is the only place left.
  if (alone) places.push({ ...size, x: 6, y: height - size.h - 6 }, { ...size, x: width - size.w - 6, y: height - size.h - 6 });
  const spot = places.find((p) => inside(p, width, height) && !others.some((o) => meet(p, o)));
  if (!spot || size.h > 0.8 * height) return undefined;
  pen.fillStyle = "rgba(20, 22, 26, 0.82)";
  pen.fillRect(spot.x, spot.y, spot.w, spot.h);
  const top = face.probs.indexOf(Math.max(...face.probs));
  settings.classes.forEach((name, i) => {
    const middle = spot.y + 6 + (i + 0.5) * line;
    const bar = spot.x + names + 20;
    pen.fillStyle = i === top ? "#fafafa" : "#c0c0c0";
    pen.fillText(name, spot.x + 10, middle + 1);
    pen.textAlign = "right";
    pen.fillText(percent(face.probs[i]), spot.x + spot.w - 9, middle + 1);
    pen.textAlign = "left";
    pen.fillStyle = "#4a484e";
    pen.fillRect(bar, middle - 5, 66, 10);
    pen.fillStyle = settings.colours[i];
    pen.fillRect(bar, middle - 5, 66 * clip(face.probs[i], 0, 1), 10);
  });
  return spot;
}

function sentence(faces) {
  if (!faces.length) return "no face";
  const labels = faces.map((face) => face.label).join(", ");
  return `${faces.length} ${faces.length === 1 ? "face" : "faces"}: ${labels}`;
}

const percent = (share) => Math.round(100 * share);
const clip = (value, low, high) => Math.max(low, Math.min(value, high));
const inside = (p, width, height) => p.x >= 0 && p.y >= 0 && p.x + p.w <= width && p.y + p.h <= height;
const meet = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function inkOn(colour) {
  const [red, green, blue] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 95 ? DARK : "#fafafa";
}

function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function render({ model, el }) {
  const root = document.createElement("div");
  el.append(root);
  const camera = new Camera(model, root);
  return () => camera.close();
}

export default { render };
