"""One file per message broker; ``registry.py`` knows them, ``base.py`` says what they are."""
