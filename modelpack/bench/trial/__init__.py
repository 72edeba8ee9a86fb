"""One real run of each variant in a browser, before it is published."""
