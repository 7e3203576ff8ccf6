"""Mail that comes in: stored first, then opened, decided about, and written down."""
