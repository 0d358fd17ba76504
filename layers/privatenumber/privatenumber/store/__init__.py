"""DynamoDB and the other stores: one module per table or job; no boto3 outside this room."""
