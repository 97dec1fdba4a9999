"""How close to minimal a circuit is: every skeleton with as few two-qubit gates, trained."""
