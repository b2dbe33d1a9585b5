# What is invalidated: either one distribution …

variable "distribution_id" {
  description = "The distribution to invalidate. Excludes `routes`."
  type        = string
  default     = null

  validation {
    condition     = var.distribution_id == null || can(regex("^[A-Z0-9]+$", var.distribution_id))
    error_message = "distribution_id is the id of a distribution, not its ARN or domain name: \"E2QWRUHEXAMPLE\"."
  }
}

variable "bucket" {
  description = "The bucket whose changes are invalidated at `distribution_id`. Its name decides what is made, so it must be known when Terraform plans: `aws_s3_bucket.site.bucket` of a bucket that was given a name, not `aws_s3_bucket.site.id`. Without one, only direct requests and schedules invalidate."
  type        = string
  default     = null

  validation {
    condition     = var.bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket is the name of a bucket, not its ARN: \"www.example.com\"."
  }
}

# … or routes: which objects are served by which distribution.

variable "routes" {
  description = <<-EOT
    Which objects are served by which distribution, by a name of your choice. All routes that match an object apply. Excludes `distribution_id` and `bucket`.
    - `distribution_id` or `distribution_tenant_id`: whose cache is invalidated;
    - `role_arn`: a role to assume for it, where the distribution belongs to another account;
    - `bucket`: where the objects lie, known when Terraform plans; `null` for a route that serves direct requests alone;
    - `prefix`, `suffix`: of the keys that the distribution serves;
    - `origin_path`: what CloudFront puts before the viewer's path, such as `/docs`;
    - `index_documents` (`["index.html"]`): `/a/index.html` is also served at `/a/` and `/a`;
    - `strip_extensions`: with `[".html"]`, `/a/b.html` is also served at `/a/b`;
    - `query_strings`: the cache key holds query strings;
    - `ignore`: patterns of keys whose content never changes, such as `assets/*.????????.js`.
  EOT
  type = map(object({
    distribution_id        = optional(string)
    distribution_tenant_id = optional(string)
    role_arn               = optional(string)
    # Required, as the one attribute whose misspelling Terraform would drop without a word and leave copies stale.
    bucket           = string
    prefix           = optional(string)
    suffix           = optional(string)
    origin_path      = optional(string)
    index_documents  = optional(list(string))
    strip_extensions = optional(list(string))
    query_strings    = optional(bool)
    ignore           = optional(list(string))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name, route in var.routes : can(regex("^[A-Za-z0-9_-]{1,64}$", name))])
    error_message = "A route's name has letters, digits, - and _, 64 at most: \"docs\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : (route.distribution_id == null) != (route.distribution_tenant_id == null)])
    error_message = "A route names one target: distribution_id = \"E2QWRUHEXAMPLE\", or distribution_tenant_id = \"dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : can(regex("^[A-Z0-9]+$", route.distribution_id)) if route.distribution_id != null])
    error_message = "A route's distribution_id is the id of a distribution, not its ARN or domain name: \"E2QWRUHEXAMPLE\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : can(regex("^dt_[A-Za-z0-9]+$", route.distribution_tenant_id)) if route.distribution_tenant_id != null])
    error_message = "A route's distribution_tenant_id is the id of a tenant, not its ARN or name: \"dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", route.role_arn)) if route.role_arn != null])
    error_message = "A route's role_arn is the ARN of a role: \"arn:aws:iam::123456789012:role/invalidate\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", route.bucket)) if route.bucket != null])
    error_message = "A route's bucket is the name of a bucket, not its ARN: \"www.example.com\". A route for direct requests alone has null."
  }

  validation {
    condition = alltrue([for route in var.routes : route.bucket != null || alltrue([
      for selector in [route.prefix, route.suffix, route.origin_path] : selector == null
    ])])
    error_message = "prefix, suffix and origin_path select objects of a bucket, and this route has none: bucket = \"www.example.com\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : !startswith(route.prefix, "/") if route.prefix != null])
    error_message = "A route's prefix is that of keys, which begin without a slash: \"docs/\"."
  }

  validation {
    condition     = alltrue([for route in var.routes : can(regex("^(/[^/]+)+$", route.origin_path)) if route.origin_path != null])
    error_message = "A route's origin_path begins with a slash and ends without one, as in CloudFront: \"/docs\"."
  }

  validation {
    condition = alltrue([
      for route in var.routes :
      startswith(route.prefix, trimprefix("${route.origin_path}/", "/")) || startswith(trimprefix("${route.origin_path}/", "/"), route.prefix)
      if route.prefix != null && route.origin_path != null
    ])
    error_message = "No object lies under both the prefix and the origin_path of a route, so it would invalidate nothing: prefix = \"docs/\" goes with origin_path = \"/docs\"."
  }

  validation {
    condition     = alltrue(flatten([for route in var.routes : [for document in route.index_documents : can(regex("^[^/]+$", document))] if route.index_documents != null]))
    error_message = "index_documents are names without a slash: [\"index.html\"]."
  }

  validation {
    condition     = alltrue(flatten([for route in var.routes : [for extension in route.strip_extensions : can(regex("^\\.[^/]+$", extension))] if route.strip_extensions != null]))
    error_message = "strip_extensions begin with a dot: [\".html\"]."
  }

  validation {
    condition     = alltrue(flatten([for route in var.routes : [for pattern in route.ignore : can(regex("^[^/]", pattern))] if route.ignore != null]))
    error_message = "ignore holds patterns of keys, which begin without a slash: [\"assets/*.????????.js\"]."
  }

  validation {
    condition = length(distinct([
      for route in var.routes : jsonencode([route.distribution_id, route.distribution_tenant_id, route.role_arn])
    ])) == length(distinct([for route in var.routes : jsonencode([route.distribution_id, route.distribution_tenant_id])]))
    error_message = "All routes of a distribution reach it in the same way: give each of them the same role_arn, or none."
  }

  validation {
    condition     = length(distinct([for route in var.routes : jsonencode(route)])) == length(var.routes)
    error_message = "Two routes are the same but for their names: remove one of them."
  }
}

# How paths are planned.

variable "default_paths" {
  description = "What a direct request that names no path invalidates, and so a schedule."
  type        = list(string)
  default     = ["/*"]
  nullable    = false

  validation {
    condition     = length(var.default_paths) > 0 && alltrue([for path in var.default_paths : can(regex("^/[^*]*[*]?$", path))])
    error_message = "default_paths holds at least one path; each begins with a slash, and a * may only end it: [\"/*\"]."
  }
}

variable "max_paths" {
  description = "How many items the plan of one batch may have for a distribution before paths merge into wildcards. CloudFront charges each item; a wildcard counts as one."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = floor(var.max_paths) == var.max_paths && var.max_paths >= 1
    error_message = "max_paths is a whole number from 1: 100."
  }
}

variable "max_wildcards" {
  description = "How many wildcards the plan of one batch may have for a distribution. CloudFront runs 15 at once."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = floor(var.max_wildcards) == var.max_wildcards && var.max_wildcards >= 1
    error_message = "max_wildcards is a whole number from 1: 30."
  }
}

variable "min_wildcard_depth" {
  description = "Complete directories that must stand before a wildcard that merging makes: `/*` has 0, `/img/*` has 1."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = floor(var.min_wildcard_depth) == var.min_wildcard_depth && var.min_wildcard_depth >= 0
    error_message = "min_wildcard_depth is a whole number from 0: 1."
  }
}

variable "inventory" {
  description = "Before paths merge into wildcards, list what else lies under the prefixes in question, so that the fewest unchanged objects leave the cache. Grants `s3:ListBucket` on the buckets of the routes."
  type        = bool
  default     = false
  nullable    = false
}

variable "tilde" {
  description = "How a `~` in a key is invalidated: `wildcard` (the tightest one that surely covers it) or `encoded` (`%7E`, which CloudFront accepts and may not match)."
  type        = string
  default     = "wildcard"
  nullable    = false

  validation {
    condition     = contains(["wildcard", "encoded"], var.tilde)
    error_message = "tilde is \"wildcard\" or \"encoded\"."
  }
}

# What wakes the function.

variable "batching" {
  description = <<-EOT
    How changes wait in a queue, so that many become one invalidation; `null` sends them straight to the function.
    - `window_seconds` (5): how long a batch is gathered; Lambda may take up to 20 s when there is little to do;
    - `size` (10000): messages in a batch, which ends at 6 MB anyway: every batch may spend `max_paths` anew, so large ones are the cheapest;
    - `concurrency` (2): batches at once, the least that Lambda allows; CloudFront's rate limit makes more pointless;
    - `max_receives` (10): tries before a message becomes a dead letter.
  EOT
  type = object({
    window_seconds = optional(number, 5)
    size           = optional(number, 10000)
    concurrency    = optional(number, 2)
    max_receives   = optional(number, 10)
  })
  default = {}

  validation {
    condition     = try(var.batching.window_seconds >= 0 && var.batching.window_seconds <= 300, var.batching == null)
    error_message = "batching.window_seconds is from 0 to 300: 5."
  }

  validation {
    condition     = try(var.batching.size >= 1 && var.batching.size <= 10000, var.batching == null)
    error_message = "batching.size is from 1 to 10000: 10000."
  }

  validation {
    condition     = try(var.batching.size <= 10 || var.batching.window_seconds >= 1, var.batching == null)
    error_message = "Lambda gathers more than 10 messages only within a window: batching = { size = 10000, window_seconds = 5 }."
  }

  validation {
    condition     = try(var.batching.concurrency >= 2 && var.batching.concurrency <= 1000, var.batching == null)
    error_message = "batching.concurrency is from 2, the least that Lambda allows, to 1000: 2."
  }

  validation {
    condition     = try(var.batching.max_receives >= 1 && var.batching.max_receives <= 1000, var.batching == null)
    error_message = "batching.max_receives is from 1 to 1000: 10."
  }
}

variable "bucket_wiring" {
  description = <<-EOT
    How each bucket reports its changes, by its name; `notification` where it is not listed:
    - `notification`: the module owns the bucket's notification configuration, and replaces the one that it has;
    - `eventbridge`: a rule, for a bucket that already sends its events to EventBridge;
    - `external`: only the permission, for a notification that is configured elsewhere.
  EOT
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for wiring in values(var.bucket_wiring) : contains(["notification", "eventbridge", "external"], wiring)])
    error_message = "bucket_wiring is \"notification\", \"eventbridge\" or \"external\" for each bucket: { \"www.example.com\" = \"eventbridge\" }."
  }
}

variable "sns_topic_arns" {
  description = "Topics that carry S3 events or direct requests."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.sns_topic_arns : can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))])
    error_message = "sns_topic_arns are ARNs of standard topics: [\"arn:aws:sns:eu-west-1:123456789012:uploads\"]."
  }

  validation {
    condition     = length(distinct(var.sns_topic_arns)) == length(var.sns_topic_arns)
    error_message = "sns_topic_arns names a topic twice: remove one of them."
  }
}

variable "schedule_expression" {
  description = "When to invalidate `default_paths` of every route's distribution, as EventBridge writes it: `cron(0 3 * * ? *)` is every night at three, UTC."
  type        = string
  default     = null

  validation {
    condition     = var.schedule_expression == null || can(regex("^(rate|cron)\\(.+\\)$", var.schedule_expression))
    error_message = "schedule_expression is a rate or a cron expression of EventBridge: \"cron(0 3 * * ? *)\"."
  }
}

variable "codepipeline" {
  description = "Answer CodePipeline, so that the function can be an action of a pipeline."
  type        = bool
  default     = false
  nullable    = false
}

variable "invokers" {
  description = "Who else may invoke the function, by a name of your choice: a service (`events.amazonaws.com`) on behalf of one `source_arn`, or an account or role (`principal` alone)."
  type = map(object({
    principal      = string
    source_arn     = optional(string)
    source_account = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name, invoker in var.invokers : can(regex("^[A-Za-z0-9_-]{1,90}$", name))])
    error_message = "An invoker's name has letters, digits, - and _: \"nightly_rule\"."
  }

  validation {
    condition     = alltrue([for invoker in var.invokers : can(regex("^([a-z0-9.-]+\\.amazonaws\\.com(\\.cn)?|[0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:.+)$", invoker.principal))])
    error_message = "An invoker's principal is a service, an account or a role: \"events.amazonaws.com\"."
  }

  validation {
    condition     = alltrue([for invoker in var.invokers : invoker.source_arn != null if can(regex("amazonaws", invoker.principal))])
    error_message = "A service that may invoke the function for anyone is open to everyone's account: name its source_arn, such as \"arn:aws:events:eu-west-1:123456789012:rule/nightly\"."
  }

  validation {
    condition     = alltrue([for invoker in var.invokers : can(regex("^arn:aws[a-z-]*:", invoker.source_arn)) if invoker.source_arn != null])
    error_message = "An invoker's source_arn is an ARN: \"arn:aws:events:eu-west-1:123456789012:rule/nightly\"."
  }

  validation {
    condition     = alltrue([for invoker in var.invokers : can(regex("^[0-9]{12}$", invoker.source_account)) if invoker.source_account != null])
    error_message = "An invoker's source_account has 12 digits: \"123456789012\"."
  }
}

variable "allow_wait" {
  description = "Let a direct request wait until its invalidation is completed (`{\"wait\": true}`). Grants `cloudfront:GetInvalidation`."
  type        = bool
  default     = false
  nullable    = false
}

# The function.

variable "name" {
  description = "Of the function, its role, its queue and all else that has a name."
  type        = string
  default     = "invalidate-cloudfront"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.name))
    error_message = "name has letters, digits, - and _, 48 at most, since suffixes are added: \"invalidate-cloudfront\"."
  }
}

variable "runtime" {
  description = "Of the function: `python3.10` to `python3.13`, and `python3.14` with version 6.21 or later of the AWS provider."
  type        = string
  default     = "python3.13"
  nullable    = false

  validation {
    condition     = contains(["python3.10", "python3.11", "python3.12", "python3.13", "python3.14"], var.runtime)
    error_message = "runtime is python3.10, python3.11, python3.12, python3.13 or python3.14."
  }
}

variable "architecture" {
  description = "Of the processor: `arm64` costs a fifth less, `x86_64` is offered everywhere."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is \"arm64\" or \"x86_64\"."
  }
}

variable "memory_mb" {
  description = "Memory of the function. Lambda gives processor time in proportion: under 256 MB a cold start takes seconds."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = floor(var.memory_mb) == var.memory_mb && var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb is a whole number from 128 to 10240: 256."
  }
}

variable "timeout_seconds" {
  description = "How long the function may try to hand its invalidations to CloudFront, which takes fifteen wildcards in some 25 seconds. What is refused until then goes back to the queue for six times as long, as Lambda asks of queues."
  type        = number
  default     = 180
  nullable    = false

  validation {
    condition     = floor(var.timeout_seconds) == var.timeout_seconds && var.timeout_seconds >= 5 && var.timeout_seconds <= 900
    error_message = "timeout_seconds is a whole number from 5 to 900: 180."
  }
}

variable "reserved_concurrency" {
  description = "Executions kept for the function, and its bound. Unset by default: a new account has too few (often 10) to reserve any, and `batching.concurrency` already bounds the batches."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null || try(floor(var.reserved_concurrency) == var.reserved_concurrency && var.reserved_concurrency >= 1, false)
    error_message = "reserved_concurrency is a whole number from 1, or null: 5. With 0 the function would never run."
  }
}

variable "log_level" {
  description = "The least level of the function's own log records."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "log_level is DEBUG, INFO, WARN or ERROR."
  }
}

variable "log_retention_days" {
  description = "How long the log is kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is one of CloudWatch's: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "tracing" {
  description = "Trace the function with X-Ray."
  type        = bool
  default     = false
  nullable    = false
}

# What a company may ask for.

variable "kms_key_arn" {
  description = "A key of your own for the queues, the log group and the function's environment. Its policy must let the services that write (`logs.<region>.amazonaws.com`, and `s3`, `events` or `sns.amazonaws.com`) use it. AWS's own keys by default."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a key, not its alias: \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\"."
  }
}

variable "permissions_boundary_arn" {
  description = "A policy that bounds what the role may do."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn is the ARN of a policy: \"arn:aws:iam::123456789012:policy/boundary\"."
  }
}

variable "role_path" {
  description = "The path of the role."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([!-.0-~]+/)*$", var.role_path))
    error_message = "role_path begins and ends with a slash: \"/service/\"."
  }
}

variable "code_signing_config_arn" {
  description = "A code signing configuration. One that enforces signatures refuses the package of the module; give `signed_package` with it."
  type        = string
  default     = null

  validation {
    condition     = var.code_signing_config_arn == null || can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:.+$", var.code_signing_config_arn))
    error_message = "code_signing_config_arn is the ARN of a code signing configuration: \"arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0f6c334abcdea4d8b\"."
  }
}

variable "signed_package" {
  description = "The object that holds `lambda/dist/invalidator.zip` of this version of the module, signed by AWS Signer. By default the function runs the package itself."
  type = object({
    bucket  = string
    key     = string
    version = optional(string)
  })
  default = null
}

# How one knows.

variable "alarm_actions" {
  description = "ARNs, such as of a topic, to tell of dead letters, errors, throttling, and changes that wait too long. Alarms are made when there is one."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.alarm_actions : can(regex("^arn:aws[a-z-]*:", arn))])
    error_message = "alarm_actions are ARNs: [\"arn:aws:sns:eu-west-1:123456789012:on-call\"]."
  }
}

variable "dashboard" {
  description = "Make a CloudWatch dashboard: is it keeping up, what does it cost, what failed."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Of everything that takes tags."
  type        = map(string)
  default     = {}
  nullable    = false
}
