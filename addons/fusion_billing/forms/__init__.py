"""What people type into forms and what is kept as JSON, made of each other. Plain Python."""
