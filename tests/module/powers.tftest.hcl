# What the function may do, power by power, on exact ARNs.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

run "a_role_for_lambda_alone" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition = jsondecode(aws_iam_role.function.assume_role_policy).Statement == [{
      Action    = "sts:AssumeRole"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
    error_message = "Only Lambda may assume the role: ${aws_iam_role.function.assume_role_policy}"
  }

  assert {
    condition     = aws_lambda_function.this.role == aws_iam_role.function.arn && aws_iam_role.function.name == "invalidate-cloudfront" && aws_iam_role.function.path == "/"
    error_message = "The function runs in that role."
  }
}

run "the_least_powers" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition     = toset(aws_iam_role_policies_exclusive.function.policy_names) == toset(["dead-letter", "invalidate", "log"])
    error_message = "Without triggers and options there are no more than three: ${join(", ", aws_iam_role_policies_exclusive.function.policy_names)}"
  }

  assert {
    condition     = length(aws_iam_role_policy_attachments_exclusive.function.policy_arns) == 0
    error_message = "No managed policy may be attached."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.invalidate.policy).Statement == [{
      Action   = ["cloudfront:CreateInvalidation"]
      Effect   = "Allow"
      Resource = ["arn:aws:cloudfront::123456789012:distribution/E2QWRUHEXAMPLE"]
    }]
    error_message = "Only this distribution: ${aws_iam_role_policy.invalidate.policy}"
  }

  # With logs:CreateLogGroup a late invocation would remake the log group after a destroy.
  assert {
    condition = jsondecode(aws_iam_role_policy.log.policy).Statement == [{
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Effect   = "Allow"
      Resource = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/invalidate-cloudfront:*"
    }]
    error_message = "Only this log group: ${aws_iam_role_policy.log.policy}"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.dead_letter.policy).Statement == [{
      Action   = ["sqs:SendMessage"]
      Effect   = "Allow"
      Resource = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront-dead-letters"
    }]
    error_message = "Only its dead letters: ${aws_iam_role_policy.dead_letter.policy}"
  }
}

run "consume_the_queue" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.consume[0].policy).Statement == [{
      Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Effect   = "Allow"
      Resource = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront"
    }]
    error_message = "Only its queue: ${aws_iam_role_policy.consume[0].policy}"
  }
}

# The one power that `wait` needs is a change of one policy, in place.
run "see_whether_an_invalidation_is_completed" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    allow_wait      = true
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.invalidate.policy).Statement == [{
      Action   = ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"]
      Effect   = "Allow"
      Resource = ["arn:aws:cloudfront::123456789012:distribution/E2QWRUHEXAMPLE"]
    }]
    error_message = "allow_wait grants GetInvalidation on the same distribution: ${aws_iam_role_policy.invalidate.policy}"
  }
}

run "exactly_what_the_routes_need" {
  variables {
    allow_wait = true
    routes = {
      pages  = { distribution_id = "E1PAGES", bucket = "pages" }
      images = { distribution_id = "E1PAGES", bucket = "images" }
      shop   = { distribution_tenant_id = "dt_shop", bucket = "shop" }
      away   = { distribution_id = "E2AWAY", bucket = "pages", role_arn = "arn:aws:iam::111122223333:role/invalidate" }
    }
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.invalidate.policy).Statement == [
      {
        Action   = ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"]
        Effect   = "Allow"
        Resource = ["arn:aws:cloudfront::123456789012:distribution/E1PAGES"]
      },
      {
        Action   = ["cloudfront:CreateInvalidationForDistributionTenant", "cloudfront:GetInvalidationForDistributionTenant"]
        Effect   = "Allow"
        Resource = ["arn:aws:cloudfront::123456789012:distribution-tenant/dt_shop"]
      },
      {
        Action   = ["sts:AssumeRole"]
        Effect   = "Allow"
        Resource = ["arn:aws:iam::111122223333:role/invalidate"]
      },
    ]
    error_message = "Distributions and tenants of this account, and roles of others: ${aws_iam_role_policy.invalidate.policy}"
  }
}

run "list_the_buckets_of_the_inventory" {
  variables {
    inventory = true
    routes = {
      pages  = { distribution_id = "E1PAGES", bucket = "pages" }
      images = { distribution_id = "E1PAGES", bucket = "images" }
    }
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.list[0].policy).Statement == [{
      Action   = ["s3:ListBucket"]
      Effect   = "Allow"
      Resource = ["arn:aws:s3:::images", "arn:aws:s3:::pages"]
    }]
    error_message = "Only the buckets of the routes: ${aws_iam_role_policy.list[0].policy}"
  }
}

run "every_power_is_in_the_exclusive_list" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
    inventory       = true
    codepipeline    = true
    tracing         = true
  }

  assert {
    condition     = toset(aws_iam_role_policies_exclusive.function.policy_names) == toset(["answer-pipelines", "consume", "dead-letter", "invalidate", "list", "log", "trace"])
    error_message = "A policy that is missing in the list would be removed by the apply that made it: ${join(", ", aws_iam_role_policies_exclusive.function.policy_names)}"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.answer_pipelines[0].policy).Statement[0].Action == ["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"]
    error_message = "Answers to jobs, and nothing else of CodePipeline."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.trace[0].policy).Statement[0].Action == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    error_message = "Segments, and nothing else of X-Ray."
  }
}

run "use_the_callers_key" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.dead_letter.policy).Statement[1] == {
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Effect   = "Allow"
      Resource = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }
    error_message = "Only this key: ${aws_iam_role_policy.dead_letter.policy}"
  }
}

run "within_the_callers_bounds" {
  variables {
    distribution_id          = "E2QWRUHEXAMPLE"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    role_path                = "/edge/"
  }

  assert {
    condition     = aws_iam_role.function.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary" && aws_iam_role.function.path == "/edge/"
    error_message = "The boundary and the path are the role's."
  }
}
