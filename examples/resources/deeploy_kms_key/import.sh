# A key's name, alias, id or ARN. Importing changes nothing; the first apply marks the key as this resource's.
terraform import deeploy_kms_key.tokens deeploy/production/tokens
