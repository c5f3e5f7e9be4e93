"""The way of a question: catalog → parse → Query → sql → report."""
