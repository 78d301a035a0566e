"""What a reported substance is, which categories of the Plan it falls in, and how grave the alert is."""
