"""The loops that look after what others left: reconcile, expire, audit, retain."""
