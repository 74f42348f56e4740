"""The embedded start: from a fresh clone to running servers, without Docker or a database at hand.

Plain Python, no Django. ``layout``, ``locks``, ``progress``, ``stamps``, ``packages`` and ``setup`` run
before anything is installed, so they need the standard library only (a test holds them to it).
"""
