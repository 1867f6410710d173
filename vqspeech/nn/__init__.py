"""Building blocks of the models: tensors in, tensors out; nothing here knows of speech."""
