"""What `./run bench` measures: ratios within one run, never absolute promises."""
