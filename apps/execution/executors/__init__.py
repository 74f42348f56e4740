"""One file per step kind; ``registry.py`` knows them, ``base.py`` says what they are."""
