"""What a person looks at: pictures, and one page of them."""
