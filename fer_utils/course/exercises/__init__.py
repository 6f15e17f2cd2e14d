"""The checks of each lesson, one module per lesson, and what they share."""
