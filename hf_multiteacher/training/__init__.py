"""What a run needs beside the loss: checks, callback, checkpoint, card."""
