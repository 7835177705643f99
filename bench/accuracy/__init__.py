"""Accuracy on the device: pictures prepared here in parallel, streamed in shards to an agent that predicts."""
