"""The words of the testbed (records, scenarios, figures) and its command line."""
