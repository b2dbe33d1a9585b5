"""Events → viewer paths → plan → CloudFront: what the Lambda does between its trigger and the edge."""
