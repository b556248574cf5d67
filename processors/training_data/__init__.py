"""What pre-training objectives read: records and how they become batches. One file for each kind of data."""
