# A bucket's name or ARN. Importing changes nothing; the first apply marks the bucket as this resource's.
terraform import deeploy_s3_bucket.artifacts deeploy-production-artifacts
