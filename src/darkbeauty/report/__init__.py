"""For people to look at: listings, tables, figures."""
