"""Golden cases of the renderer, and the programs that read what it writes."""
