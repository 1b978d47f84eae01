"""`codeb ci …`: what workflows call, so that YAML holds no logic. An extra (`locks/ci.txt`)."""
