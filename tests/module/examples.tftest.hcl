# Each example gives the function the very settings that its own tests read.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

mock_provider "aws" {
  alias  = "edge"
  source = "./tests/module/mocks"
}

variables {
  distribution_id = "E2QWRUHEXAMPLE"
  bucket          = "www.example.com"
}

run "site" {
  module {
    source = "./examples/site"
  }

  override_resource {
    target = aws_cloudfront_distribution.site
    values = { id = "E2QWRUHEXAMPLE" }
  }

  override_resource {
    target = aws_s3_bucket.site
    values = { id = "www.example.com" }
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/short-form.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}

run "deploy_step" {
  module {
    source = "./examples/deploy-step"
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/short-form.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }

  assert {
    condition     = output.deploy_command == "./deploy.sh public 'www.example.com' 'invalidate-cloudfront'"
    error_message = "The command should name the bucket and the function: ${output.deploy_command}"
  }
}

run "direct" {
  module {
    source = "./examples/direct"
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/distribution-alone.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}

run "nightly_purge" {
  module {
    source = "./examples/nightly-purge"
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/distribution-alone.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}

run "shared_bucket_eventbridge" {
  module {
    source = "./examples/shared-bucket-eventbridge"
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/short-form.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}

run "topic_fan_out" {
  module {
    source = "./examples/topic-fan-out"
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/short-form.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}

run "two_sites_one_bucket" {
  module {
    source = "./examples/two-sites-one-bucket"
  }

  variables {
    bucket = "assets"
  }

  override_resource {
    target = aws_s3_bucket.assets
    values = { id = "assets" }
  }

  override_resource {
    target = aws_cloudfront_distribution.docs
    values = { id = "E1DOCSEXAMPLE" }
  }

  override_resource {
    target = aws_cloudfront_distribution.shop
    values = { id = "E1SHOPEXAMPLE" }
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/two-sites.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}

run "tenants" {
  module {
    source = "./examples/tenants"
  }

  variables {
    bucket = "shops"
    tenant_ids = {
      books = "dt_3aBcDeFgHiJkLmNoPqRsTuVwXyZ"
      toys  = "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB"
    }
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/tenants.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}

run "cross_account" {
  module {
    source = "./examples/cross-account"
  }

  providers = {
    aws      = aws
    aws.edge = aws.edge
  }

  override_resource {
    target = aws_iam_role.invalidate
    values = { arn = "arn:aws:iam::111122223333:role/invalidate-E2QWRUHEXAMPLE" }
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/cross-account.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }

  assert {
    condition     = jsondecode(aws_iam_role.invalidate.assume_role_policy).Statement[0].Principal.AWS == module.invalidation.role_arn
    error_message = "The role of the other account must trust the function's role, and no other."
  }

  assert {
    condition     = jsondecode(aws_iam_role.invalidate.assume_role_policy).Statement[0].Condition.StringEquals["sts:ExternalId"] == jsondecode(module.invalidation.settings).routes.site.external_id
    error_message = "The external ID that the role asks for should be the one that the function presents."
  }
}

run "pipeline" {
  module {
    source = "./examples/pipeline"
  }

  variables {
    site_bucket   = "www.example.com"
    source_bucket = "sources.example.com"
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/pipeline.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}

run "on_apply" {
  module {
    source = "./examples/on-apply"
  }

  override_resource {
    target = aws_lambda_invocation.content
    values = { result = "{\"statusCode\": 200}" }
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/distribution-alone.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }

  assert {
    condition     = length(aws_lambda_invocation.content.triggers) > 0 && aws_lambda_invocation.content.triggers == tomap({ for file in fileset("examples/on-apply/content", "**") : file => filemd5("examples/on-apply/content/${file}") })
    error_message = "A change of any file must invoke the function again."
  }
}

run "everything" {
  module {
    source = "./examples/everything"
  }

  variables {
    shared_bucket            = "assets.example.com"
    tenant_id                = "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB"
    topic_arn                = "arn:aws:sns:eu-west-1:123456789012:requests"
    rule_arn                 = "arn:aws:events:eu-west-1:123456789012:rule/purge"
    on_call_topic_arn        = "arn:aws:sns:eu-west-1:123456789012:on-call"
    kms_key_arn              = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }

  assert {
    condition     = jsondecode(module.invalidation.settings) == jsondecode(file("tests/fixtures/settings/everything.json"))
    error_message = "SETTINGS should equal the fixture: ${module.invalidation.settings}"
  }
}
