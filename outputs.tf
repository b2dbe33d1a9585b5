output "function_name" {
  description = "Name of the Lambda function, to invoke it with direct requests."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the Lambda function, for event targets and policies elsewhere."
  value       = aws_lambda_function.this.arn
}

output "planner_function_name" {
  description = "Name of the Lambda function that plans the collected changes, for dashboards elsewhere; null with `batching = null`."
  value       = one(aws_lambda_function.planner[*].function_name)
}

output "role_name" {
  description = "Name of the functions' IAM role. Its policies are exclusive: the next apply removes any policy that is added elsewhere."
  value       = aws_iam_role.function.name
}

output "role_arn" {
  description = "ARN of the functions' IAM role, for the trust policy of a role in another account (`role_arn` of a route)."
  value       = aws_iam_role.function.arn
}

output "log_group_name" {
  description = "Name of the CloudWatch log group of both functions."
  value       = aws_cloudwatch_log_group.function.name
}

output "queue_url" {
  description = "URL of the queue of changes; null with `batching = null`."
  value       = one(aws_sqs_queue.changes[*].url)
}

output "queue_arn" {
  description = "ARN of the queue of changes, for a notification that is configured elsewhere (`bucket_wiring` `external`); null with `batching = null`."
  value       = one(aws_sqs_queue.changes[*].arn)
}

output "plan_queue_url" {
  description = "URL of the queue between collector and planner; null with `batching = null`."
  value       = one(aws_sqs_queue.plan[*].url)
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue, to read and redrive failed messages."
  value       = aws_sqs_queue.dead_letter.url
}

output "dead_letter_queue_arn" {
  description = "ARN of the dead-letter queue, for alarms and policies elsewhere."
  value       = aws_sqs_queue.dead_letter.arn
}

output "plan_dead_letter_queue_url" {
  description = "URL of the plan queue's dead-letter queue (FIFO); null with `batching = null`."
  value       = one(aws_sqs_queue.plan_dead_letter[*].url)
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard; null without one."
  value       = one(aws_cloudwatch_dashboard.invalidations[*].dashboard_name)
}

output "settings" {
  description = "Settings of the functions as a JSON document, for `python -m invalidator plan --settings`. A misspelt attribute of a route is missing from them."
  value       = local.settings
}

output "invoke_command" {
  description = "Shell command that invalidates the default paths of the first distribution, to be edited for others."
  value       = format(local.invoke_line, replace(jsonencode(local.request), "'", "'\\''"))
}

output "dry_run_command" {
  description = "Shell command that answers with the plan and the cost of `invoke_command`, and invalidates nothing."
  value       = format(local.invoke_line, replace(jsonencode(merge(local.request, { dry_run = true })), "'", "'\\''"))
}

locals {
  invoke_line = "aws lambda invoke --function-name ${aws_lambda_function.this.function_name} --region ${local.region} --cli-binary-format raw-in-base64-out --payload '%s' /dev/stdout"
  request     = { distribution_id = local.target_ids[0], paths = var.default_paths }
}
