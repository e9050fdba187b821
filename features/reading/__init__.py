"""How files of facts are read, below every source: text, records, and what a tool's export says."""
