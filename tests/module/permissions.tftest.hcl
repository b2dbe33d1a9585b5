# What the functions may do, permission by permission, on exact ARNs.

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
    error_message = "Only Lambda should be able to assume the role: ${aws_iam_role.function.assume_role_policy}"
  }

  assert {
    condition     = aws_lambda_function.this.role == aws_iam_role.function.arn && aws_lambda_function.planner[0].role == aws_iam_role.function.arn && aws_iam_role.function.name == "invalidate-cloudfront" && aws_iam_role.function.path == "/"
    error_message = "Both functions should run in that role."
  }
}

run "the_fewest_permissions" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    batching        = null
  }

  assert {
    condition     = toset(aws_iam_role_policies_exclusive.function.policy_names) == toset(["dead-letter", "invalidate", "log"])
    error_message = "Without queues, buckets and options there should be no more than three: ${join(", ", aws_iam_role_policies_exclusive.function.policy_names)}"
  }

  assert {
    condition     = length(aws_iam_role_policy_attachments_exclusive.function.policy_arns) == 0
    error_message = "The role should have no managed policy."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.invalidate.policy).Statement == [{
      Action   = ["cloudfront:CreateInvalidation"]
      Effect   = "Allow"
      Resource = ["arn:aws:cloudfront::123456789012:distribution/E2QWRUHEXAMPLE"]
    }]
    error_message = "The policy should allow only this distribution: ${aws_iam_role_policy.invalidate.policy}"
  }

  # With logs:CreateLogGroup a late invocation would remake the log group after a destroy.
  assert {
    condition = jsondecode(aws_iam_role_policy.log.policy).Statement == [{
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Effect   = "Allow"
      Resource = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/invalidate-cloudfront:*"
    }]
    error_message = "The policy should allow only this log group: ${aws_iam_role_policy.log.policy}"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.dead_letter.policy).Statement == [{
      Action   = ["sqs:SendMessage"]
      Effect   = "Allow"
      Resource = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront-dead-letters"
    }]
    error_message = "The policy should allow only the module's dead-letter queue: ${aws_iam_role_policy.dead_letter.policy}"
  }
}

run "consume_and_plan" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition     = toset(aws_iam_role_policies_exclusive.function.policy_names) == toset(["consume", "dead-letter", "invalidate", "log", "plan"])
    error_message = "Queues should add two permissions: ${join(", ", aws_iam_role_policies_exclusive.function.policy_names)}"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.consume[0].policy).Statement == [{
      Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Effect   = "Allow"
      Resource = ["arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront", "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront-plan.fifo"]
    }]
    error_message = "The policy should allow only the two queues that Lambda reads: ${aws_iam_role_policy.consume[0].policy}"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.plan[0].policy).Statement == [{
      Action   = ["sqs:ChangeMessageVisibility", "sqs:SendMessage"]
      Effect   = "Allow"
      Resource = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront-plan.fifo"
    }]
    error_message = "The policy should allow only the plan queue: ${aws_iam_role_policy.plan[0].policy}"
  }
}

# The one permission that `wait` needs is a change of one policy, in place.
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
    error_message = "allow_wait should grant GetInvalidation on the same distribution: ${aws_iam_role_policy.invalidate.policy}"
  }
}

run "exactly_what_the_routes_need" {
  variables {
    allow_wait = true
    buckets    = { pages = "pages", images = "images", shop = "shop" }
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
    error_message = "The policy should allow the distributions and tenants of this account, and the roles of others: ${aws_iam_role_policy.invalidate.policy}"
  }
}

run "list_the_buckets_of_the_routes" {
  variables {
    buckets = { pages = "pages", images = "images" }
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
    error_message = "The policy should allow only the buckets of the routes: ${aws_iam_role_policy.list[0].policy}"
  }
}

run "without_an_inventory_nothing_is_listed" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
    inventory       = false
  }

  assert {
    condition     = length(aws_iam_role_policy.list) == 0 && !contains(aws_iam_role_policies_exclusive.function.policy_names, "list")
    error_message = "inventory = false should grant no listing."
  }

  assert {
    condition     = jsondecode(output.settings).inventory == false
    error_message = "The function should not try what it may not do."
  }
}

run "every_permission_is_in_the_exclusive_list" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
    kms_key         = { arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
    codepipeline    = true
    tracing         = true
  }

  assert {
    condition     = toset(aws_iam_role_policies_exclusive.function.policy_names) == toset(["answer-pipelines", "consume", "dead-letter", "invalidate", "list", "log", "plan", "trace", "use-key"])
    error_message = "The exclusive list should name every policy, or the apply would remove it: ${join(", ", aws_iam_role_policies_exclusive.function.policy_names)}"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.answer_pipelines[0].policy).Statement == [{
      Action   = ["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"]
      Effect   = "Allow"
      Resource = "*"
    }]
    error_message = "The policy should allow the answers to jobs, and nothing else of CodePipeline."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.trace[0].policy).Statement == [{
      Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      Effect   = "Allow"
      Resource = "*"
    }]
    error_message = "The policy should allow segments, and nothing else of X-Ray."
  }
}

run "use_the_callers_key" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    kms_key         = { arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.use_key[0].policy).Statement == [{
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Condition = { StringEquals = { "kms:ViaService" = ["lambda.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com"] } }
      Effect    = "Allow"
      Resource  = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    }]
    error_message = "The policy should allow only this key, and only for the queues and the environment: ${aws_iam_role_policy.use_key[0].policy}"
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
    error_message = "The role should have the boundary and the path of the inputs."
  }

  # The new role is made before the old one goes, and a role's name is unique whatever its path.
  assert {
    condition     = can(regex("^invalidate-cloudfront-[0-9a-f]{6}$", aws_iam_role.function.name)) && alltrue([for policy in [aws_iam_role_policy.invalidate, aws_iam_role_policy.log, aws_iam_role_policy.dead_letter] : policy.role == aws_iam_role.function.id])
    error_message = "Another path should be another name, and the policies should follow the role: ${aws_iam_role.function.name}"
  }
}
