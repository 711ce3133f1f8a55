"""One module per figure: `measure(bench)` measures it and adds its rows and budgets to the report."""
