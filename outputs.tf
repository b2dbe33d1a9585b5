output "function_name" {
  description = "To invoke it."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "For targets and policies elsewhere."
  value       = aws_lambda_function.this.arn
}

output "role_name" {
  description = "Of the function's role. Its policies are exclusive: what is added elsewhere is removed."
  value       = aws_iam_role.function.name
}

output "role_arn" {
  description = "For the trust policy of a role in another account (`role_arn` of a route)."
  value       = aws_iam_role.function.arn
}

output "log_group_name" {
  description = "Where the function writes its log."
  value       = aws_cloudwatch_log_group.function.name
}

output "queue_url" {
  description = "Of the queue of changes; null where nothing waits."
  value       = one(aws_sqs_queue.changes[*].url)
}

output "queue_arn" {
  description = "For a notification that is configured elsewhere (`bucket_wiring` `external`); null where nothing waits."
  value       = one(aws_sqs_queue.changes[*].arn)
}

output "dead_letter_queue_url" {
  description = "To look at what failed, and to have it tried again."
  value       = aws_sqs_queue.dead_letter.url
}

output "dead_letter_queue_arn" {
  description = "For alarms and policies elsewhere."
  value       = aws_sqs_queue.dead_letter.arn
}

output "dashboard_name" {
  description = "Of the CloudWatch dashboard; null without one."
  value       = one(aws_cloudwatch_dashboard.invalidations[*].dashboard_name)
}

output "settings" {
  description = "The settings as the function gets them, for `python -m invalidator plan --settings`. A misspelt attribute of a route is missing from them."
  value       = local.settings
}

output "invoke_command" {
  description = "A shell command that invalidates the default paths of a distribution, ready for other ones."
  value       = format(local.invoke_line, replace(jsonencode(local.request), "'", "'\\''"))
}

output "dry_run_command" {
  description = "The same without invalidating: the answer is the plan and its cost."
  value       = format(local.invoke_line, replace(jsonencode(merge(local.request, { dry_run = true })), "'", "'\\''"))
}

locals {
  invoke_line = "aws lambda invoke --function-name ${aws_lambda_function.this.function_name} --region ${local.region} --cli-binary-format raw-in-base64-out --payload '%s' /dev/stdout"
  request     = { distribution_id = local.target_ids[0], paths = var.default_paths }
}
