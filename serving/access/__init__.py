"""Who may ask the service what: keys and their scopes, how often, and a record of every call."""
