"""A page on this machine: a recording goes in, and is heard in other voices. By gradio."""
