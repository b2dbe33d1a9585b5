# What the functions may do: one role, one inline policy per permission, and lists that exclude any other policy.
#
# One role for both functions: both call CloudFront, list buckets and write dead letters, and a role in another account
# trusts one ARN. Two roles would only separate the access to the module's own queues.

locals {
  cloudfront = "arn:${local.partition}:cloudfront::${local.account}"

  # Distributions of other accounts are invalidated only through their roles.
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

  # The ARN may be known only after apply; whether there is one is known from the object around it.
  kms_key_arns = var.kms_key == null ? [] : [var.kms_key.arn]
}

resource "aws_iam_role" "function" {
  # A role's name is unique whatever its path: with the path in its name the new role can be made before the old one goes.
  name                 = var.role_path == "/" ? var.name : "${var.name}-${substr(sha256(var.role_path), 0, 6)}"
  path                 = var.role_path
  description          = "Of the functions ${var.name} and ${local.planner_name}, which invalidate CloudFront distributions."
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

  lifecycle {
    create_before_destroy = true
  }
}

# Each policy refers to the role by its id, which is unknown while the role is replaced, so it follows in the same apply.

resource "aws_iam_role_policy" "invalidate" {
  name = "invalidate"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.invalidate_statements : statement if length(statement.Resource) > 0]
  })
}

# Not logs:CreateLogGroup: a function that outlived its log group would make one that Terraform does not know.
resource "aws_iam_role_policy" "log" {
  name = "log"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${local.log_group_arn}:*"
    }]
  })
}

# The functions send what cannot be read and what CloudFront refuses for good; Lambda sends failed asynchronous
# invocations with the same role.
resource "aws_iam_role_policy" "dead_letter" {
  name = "dead-letter"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = local.dead_letter_arn
    }]
  })
}

resource "aws_iam_role_policy" "consume" {
  count = local.batched ? 1 : 0

  name = "consume"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Resource = [local.queue_arn, local.plan_arn]
    }]
  })
}

# The collector hands chunks to the planner; the planner hands back what must wait, and sends it again as one.
resource "aws_iam_role_policy" "plan" {
  count = local.batched ? 1 : 0

  name = "plan"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["sqs:ChangeMessageVisibility", "sqs:SendMessage"]
      Resource = local.plan_arn
    }]
  })
}

resource "aws_iam_role_policy" "list" {
  count = var.inventory && length(var.buckets) > 0 ? 1 : 0

  name = "list"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = values(local.bucket_arns)
    }]
  })
}

# Only for the messages of the queues and the functions' environment, not for other data that the key encrypts.
resource "aws_iam_role_policy" "use_key" {
  count = length(local.kms_key_arns)

  name = "use-key"
  role = aws_iam_role.function.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = local.kms_key_arns[count.index]
      Condition = {
        StringEquals = { "kms:ViaService" = [replace(local.first.sqs, "/^sqs/", "lambda"), local.first.sqs] }
      }
    }]
  })
}

resource "aws_iam_role_policy" "answer_pipelines" {
  count = var.codepipeline ? 1 : 0

  name = "answer-pipelines"
  role = aws_iam_role.function.id

  # These actions take no resource: CodePipeline finds the owner of a job by the job's id.
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
  role = aws_iam_role.function.id

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
  role_name = aws_iam_role.function.id
  policy_names = concat(
    [
      aws_iam_role_policy.dead_letter.name,
      aws_iam_role_policy.invalidate.name,
      aws_iam_role_policy.log.name,
    ],
    aws_iam_role_policy.answer_pipelines[*].name,
    aws_iam_role_policy.consume[*].name,
    aws_iam_role_policy.list[*].name,
    aws_iam_role_policy.plan[*].name,
    aws_iam_role_policy.trace[*].name,
    aws_iam_role_policy.use_key[*].name,
  )

  # The permissions of batching are removed only after its triggers.
  depends_on = [terraform_data.wired]
}

resource "aws_iam_role_policy_attachments_exclusive" "function" {
  role_name   = aws_iam_role.function.id
  policy_arns = []
}
