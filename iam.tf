# What the function may do: one role, one inline policy per power, and the lists that make them the whole truth.

locals {
  cloudfront = "arn:${local.partition}:cloudfront::${local.account}"

  # Distributions of other accounts are reached through their roles alone.
  assumed_role_arns = distinct([for route in local.routes : route.role_arn if route.role_arn != null])
  distribution_arns = distinct([
    for route in local.routes : "${local.cloudfront}:distribution/${route.distribution_id}"
    if route.role_arn == null && route.distribution_id != null
  ])
  tenant_arns = distinct([
    for route in local.routes : "${local.cloudfront}:distribution-tenant/${route.distribution_tenant_id}"
    if route.role_arn == null && route.distribution_tenant_id != null
  ])

  invalidate_statements = [
    {
      Effect   = "Allow"
      Action   = concat(["cloudfront:CreateInvalidation"], var.allow_wait ? ["cloudfront:GetInvalidation"] : [])
      Resource = local.distribution_arns
    },
    {
      Effect   = "Allow"
      Action   = concat(["cloudfront:CreateInvalidationForDistributionTenant"], var.allow_wait ? ["cloudfront:GetInvalidationForDistributionTenant"] : [])
      Resource = local.tenant_arns
    },
    {
      Effect   = "Allow"
      Action   = ["sts:AssumeRole"]
      Resource = local.assumed_role_arns
    },
  ]
}

resource "aws_iam_role" "function" {
  name                 = var.name
  path                 = var.role_path
  description          = "Of the function ${var.name}, which invalidates CloudFront distributions."
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })

  tags = var.tags
}

resource "aws_iam_role_policy" "invalidate" {
  name = "invalidate"
  role = aws_iam_role.function.name

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.invalidate_statements : statement if length(statement.Resource) > 0]
  })
}

# Not logs:CreateLogGroup: a function that outlived its log group would make one that Terraform does not know.
resource "aws_iam_role_policy" "log" {
  name = "log"
  role = aws_iam_role.function.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${local.log_group_arn}:*"
    }]
  })
}

# Lambda hands over failed asynchronous invocations in the role's name. The key is here and not in a policy of its
# own because a count may not depend on an ARN that is known only after apply.
resource "aws_iam_role_policy" "dead_letter" {
  name = "dead-letter"
  role = aws_iam_role.function.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = local.dead_letter_arn
      }],
      [for key_arn in compact([var.kms_key_arn]) : {
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = key_arn
      }],
    )
  })
}

resource "aws_iam_role_policy" "consume" {
  count = local.queued ? 1 : 0

  name = "consume"
  role = aws_iam_role.function.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Resource = local.queue_arn
    }]
  })
}

resource "aws_iam_role_policy" "list" {
  count = var.inventory && length(local.buckets) > 0 ? 1 : 0

  name = "list"
  role = aws_iam_role.function.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = [for bucket in local.buckets : "arn:${local.partition}:s3:::${bucket}"]
    }]
  })
}

resource "aws_iam_role_policy" "answer_pipelines" {
  count = var.codepipeline ? 1 : 0

  name = "answer-pipelines"
  role = aws_iam_role.function.name

  # These actions take no resource: CodePipeline tells a job's owner by the job's id.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"]
      Resource = "*"
    }]
  })
}

resource "aws_iam_role_policy" "trace" {
  count = var.tracing ? 1 : 0

  name = "trace"
  role = aws_iam_role.function.name

  # These actions take no resource: X-Ray has one store of segments.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      Resource = "*"
    }]
  })
}

resource "aws_iam_role_policies_exclusive" "function" {
  role_name = aws_iam_role.function.name
  policy_names = concat(
    [
      aws_iam_role_policy.dead_letter.name,
      aws_iam_role_policy.invalidate.name,
      aws_iam_role_policy.log.name,
    ],
    aws_iam_role_policy.answer_pipelines[*].name,
    aws_iam_role_policy.consume[*].name,
    aws_iam_role_policy.list[*].name,
    aws_iam_role_policy.trace[*].name,
  )
}

resource "aws_iam_role_policy_attachments_exclusive" "function" {
  role_name   = aws_iam_role.function.name
  policy_arns = []
}
