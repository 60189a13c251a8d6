"""A report as one page that needs no network: charts drawn by hand, text of others always escaped."""
