"""What is to be learned: the laws of tasks, and the contexts drawn from them."""
