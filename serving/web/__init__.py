"""The pages people work with, under /app of the service: server-rendered, no build step, nothing from elsewhere."""
