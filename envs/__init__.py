"""The Gymnasium door onto the search problem."""
