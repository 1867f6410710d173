"""What a person looks at: pictures."""
