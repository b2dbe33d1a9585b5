# What is invalidated: either one distribution,

variable "distribution_id" {
  description = "ID of the CloudFront distribution to invalidate; may be unknown at plan. Conflicts with `routes`."
  type        = string
  default     = null

  validation {
    condition     = var.distribution_id == null || can(regex("^[A-Z0-9]+$", var.distribution_id))
    error_message = "distribution_id is the ID of a distribution, not its ARN or domain name: \"E2QWRUHEXAMPLE\"."
  }
}

variable "buckets" {
  description = <<-EOT
    Names of the S3 buckets whose changes are invalidated, by a key of your choice.
    The keys must be known at plan, the names need not be: `{ site = aws_s3_bucket.site.id }`. A renamed key empties the notification configuration of its bucket until the next apply. A bucket that reports its changes lies in the region and the account of the module. With `distribution_id`, that distribution serves every bucket; with `routes`, each route names a key.
    Without a bucket, direct requests and schedules alone invalidate.
  EOT
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.buckets) : can(regex("^[A-Za-z0-9_-]{1,64}$", key))])
    error_message = "A key of buckets has 1 to 64 letters, digits, - and _, as in { site = \"www.example.com\" }. Refused: ${jsonencode([for key in keys(var.buckets) : key if !can(regex("^[A-Za-z0-9_-]{1,64}$", key))])}."
  }

  # S3 User Guide, "General purpose bucket naming rules"; buckets from before 2018 may have capitals and underscores.
  validation {
    condition = length([
      for name in values(var.buckets) : name
      if !can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$", name)) || can(regex("[.][.]|^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$|amazonaws[.]com|^arn:", name))
    ]) == 0
    error_message = "buckets holds names of buckets, not their ARNs, URLs or domain names: { site = \"www.example.com\" }. Refused: ${jsonencode({
      for key, name in var.buckets : key => name
      if !can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$", name)) || can(regex("[.][.]|^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$|amazonaws[.]com|^arn:", name))
    })}."
  }
}

# or the distributions of routes.

variable "routes" {
  description = <<-EOT
    Routes, by a name of your choice: which objects are served by which distribution. All routes that match an object apply. Conflicts with `distribution_id`. Names, buckets, prefixes and suffixes must be known at plan, IDs and ARNs need not be. Terraform drops a misspelt attribute in silence: compare the output `settings`.
    - `distribution_id` or `distribution_tenant_id`: whose cache is invalidated;
    - `role_arn`: ARN of a role to assume for it, where the distribution belongs to another account, and `external_id`: the external ID that its trust policy asks for;
    - `bucket`: key of `buckets`; `null` for a route that serves direct requests alone;
    - `prefix`, `suffix`: beginning and end of the keys that the distribution serves, without wildcards;
    - `origin_path`: path that CloudFront puts before the viewer's path, such as `/docs`;
    - `index_documents` (default `["index.html"]`): `/a/index.html` is also served at `/a/` and `/a`;
    - `strip_extensions` (default none): with `[".html"]`, `/a/b.html` is also served at `/a/b`;
    - `query_strings` (default `false`): whether the cache key holds query strings;
    - `ignore` (default none): patterns of keys whose content never changes, such as `assets/*.????????.js`.
  EOT
  type = map(object({
    distribution_id        = optional(string)
    distribution_tenant_id = optional(string)
    role_arn               = optional(string)
    external_id            = optional(string)
    # Required: misspelt, it would be dropped in silence and leave copies stale.
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
    error_message = "A route's name has 1 to 64 letters, digits, - and _, as \"docs\". Refused: ${jsonencode([for name in keys(var.routes) : name if !can(regex("^[A-Za-z0-9_-]{1,64}$", name))])}."
  }

  validation {
    condition     = alltrue([for route in var.routes : (route.distribution_id == null) != (route.distribution_tenant_id == null)])
    error_message = "A route names one target: distribution_id = \"E2QWRUHEXAMPLE\", or distribution_tenant_id = \"dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB\". Refused: ${jsonencode([for name, route in var.routes : name if(route.distribution_id == null) == (route.distribution_tenant_id == null)])}."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.distribution_id == null ? true : can(regex("^[A-Z0-9]+$", route.distribution_id))])
    error_message = "A route's distribution_id is the ID of a distribution, not its ARN or domain name, as \"E2QWRUHEXAMPLE\". Refused: ${jsonencode({ for name, route in var.routes : name => route.distribution_id if route.distribution_id != null && !can(regex("^[A-Z0-9]+$", route.distribution_id)) })}."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.distribution_tenant_id == null ? true : can(regex("^dt_[A-Za-z0-9]+$", route.distribution_tenant_id))])
    error_message = "A route's distribution_tenant_id is the ID of a tenant, not its ARN or name, as \"dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB\". Refused: ${jsonencode({ for name, route in var.routes : name => route.distribution_tenant_id if route.distribution_tenant_id != null && !can(regex("^dt_[A-Za-z0-9]+$", route.distribution_tenant_id)) })}."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.role_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", route.role_arn))])
    error_message = "A route's role_arn is the ARN of a role, as \"arn:aws:iam::123456789012:role/invalidate\". Refused: ${jsonencode({ for name, route in var.routes : name => route.role_arn if route.role_arn != null && !can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", route.role_arn)) })}."
  }

  # AWS STS API Reference, AssumeRole.
  validation {
    condition     = alltrue([for route in var.routes : route.external_id == null ? true : route.role_arn != null && can(regex("^[A-Za-z0-9_+=,.@:/-]{2}[A-Za-z0-9_+=,.@:/-]*$", route.external_id))])
    error_message = "A route's external_id has 2 to 1224 letters, digits and _+=,.@:/-, and stands beside a role_arn: role_arn = \"arn:aws:iam::123456789012:role/invalidate\", external_id = \"site-42\". Refused: ${jsonencode([for name, route in var.routes : name if route.external_id != null && (route.role_arn == null || !can(regex("^[A-Za-z0-9_+=,.@:/-]{2}[A-Za-z0-9_+=,.@:/-]*$", route.external_id)))])}."
  }

  validation {
    condition = alltrue([for route in var.routes : route.bucket != null || alltrue([
      for selector in [route.prefix, route.suffix, route.origin_path] : selector == null
    ])])
    error_message = "prefix, suffix and origin_path select objects of a bucket: name its key, bucket = \"site\". Refused: ${jsonencode([for name, route in var.routes : name if route.bucket == null && !alltrue([for selector in [route.prefix, route.suffix, route.origin_path] : selector == null])])}."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.prefix == null ? true : can(regex("^([^/*][^*]*)?$", route.prefix))])
    error_message = "A route's prefix is the beginning of keys, which begin without a slash, and it knows no wildcard: \"docs/\". Refused: ${jsonencode({ for name, route in var.routes : name => route.prefix if route.prefix != null && !can(regex("^([^/*][^*]*)?$", route.prefix)) })}."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.suffix == null ? true : !strcontains(route.suffix, "*")])
    error_message = "A route's suffix is the end of keys, and knows no wildcard: \".html\". Refused: ${jsonencode({ for name, route in var.routes : name => route.suffix if route.suffix != null && strcontains(coalesce(route.suffix, "-"), "*") })}."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.origin_path == null ? true : can(regex("^(/[^/]+)+$", route.origin_path))])
    error_message = "A route's origin_path begins with a slash and ends without one, as in CloudFront: \"/docs\". Refused: ${jsonencode({ for name, route in var.routes : name => route.origin_path if route.origin_path != null && !can(regex("^(/[^/]+)+$", route.origin_path)) })}."
  }

  validation {
    condition = alltrue([
      for route in var.routes :
      startswith(route.prefix, trimprefix("${route.origin_path}/", "/")) || startswith(trimprefix("${route.origin_path}/", "/"), route.prefix)
      if route.prefix != null && route.origin_path != null
    ])
    error_message = "No object lies under both the prefix and the origin_path of a route, so that it would invalidate nothing: prefix = \"docs/\" goes with origin_path = \"/docs\". Refused: ${jsonencode({
      for name, route in var.routes : name => [route.prefix, route.origin_path]
      if route.prefix == null || route.origin_path == null ? false : !startswith(route.prefix, trimprefix("${route.origin_path}/", "/")) && !startswith(trimprefix("${route.origin_path}/", "/"), route.prefix)
    })}."
  }

  validation {
    condition     = alltrue(flatten([for route in var.routes : [for document in coalesce(route.index_documents, []) : can(regex("^[^/*]+$", document))]]))
    error_message = "index_documents are names without a slash and without a wildcard: [\"index.html\"]. Refused: ${jsonencode({ for name, route in var.routes : name => route.index_documents if !alltrue([for document in coalesce(route.index_documents, []) : can(regex("^[^/*]+$", document))]) })}."
  }

  validation {
    condition     = alltrue(flatten([for route in var.routes : [for extension in coalesce(route.strip_extensions, []) : can(regex("^\\.[^/*]+$", extension))]]))
    error_message = "strip_extensions begin with a dot, and know no wildcard: [\".html\"]. Refused: ${jsonencode({ for name, route in var.routes : name => route.strip_extensions if !alltrue([for extension in coalesce(route.strip_extensions, []) : can(regex("^\\.[^/*]+$", extension))]) })}."
  }

  validation {
    condition     = alltrue(flatten([for route in var.routes : [for pattern in coalesce(route.ignore, []) : can(regex("^[^/]", pattern))]]))
    error_message = "ignore holds patterns of keys, which begin without a slash: [\"assets/*.????????.js\"]. Refused: ${jsonencode({ for name, route in var.routes : name => route.ignore if !alltrue([for pattern in coalesce(route.ignore, []) : can(regex("^[^/]", pattern))]) })}."
  }

  validation {
    condition = length(distinct([
      for route in var.routes : jsonencode([route.distribution_id, route.distribution_tenant_id, route.role_arn, route.external_id])
    ])) == length(distinct([for route in var.routes : jsonencode([route.distribution_id, route.distribution_tenant_id])]))
    error_message = "All routes of a distribution reach it in the same way: give each of them the same role_arn and external_id, or none. Given: ${jsonencode({ for name, route in var.routes : name => [coalesce(route.distribution_id, route.distribution_tenant_id, "-"), route.role_arn, route.external_id] })}."
  }

  validation {
    condition = length(distinct([for route in var.routes : jsonencode(route)])) == length(var.routes)
    error_message = "Two routes are the same but for their names: remove one of ${join(", ", flatten([
      for name, route in var.routes : [for other, same in var.routes : name if other != name && jsonencode(route) == jsonencode(same)]
    ]))}."
  }
}

# How paths are planned.

variable "default_paths" {
  description = "Paths that are invalidated by a schedule, and by a direct request that names none; percent-encoded, with a `*` only at the end."
  type        = list(string)
  default     = ["/*"]
  nullable    = false

  validation {
    condition     = length(var.default_paths) > 0
    error_message = "default_paths holds at least one path: [\"/*\"]."
  }

  # What CloudFront requires to be encoded: the unsafe characters of RFC 1738, and all that is not ASCII.
  validation {
    condition     = alltrue([for path in var.default_paths : can(regex("^/([!$&-)+-;=?-Z_a-z]|%[0-9A-Fa-f]{2})*[*]?$", path)) && length(path) <= 4000])
    error_message = "default_paths begin with a slash, are percent-encoded (\"/my%20file.html\"), hold a * at their end alone (\"/docs/*\"), and have 4000 characters at most. Refused: ${jsonencode([for path in var.default_paths : path if !(can(regex("^/([!$&-)+-;=?-Z_a-z]|%[0-9A-Fa-f]{2})*[*]?$", path)) && length(path) <= 4000)])}."
  }
}

variable "max_paths" {
  description = "Number of items that one plan may have for a distribution before paths merge into wildcards, from 1 to 3000. CloudFront charges each item; a wildcard counts as one."
  type        = number
  default     = 100
  nullable    = false

  # CloudFront has 3,000 paths of a distribution in progress at once.
  validation {
    condition     = floor(var.max_paths) == var.max_paths && var.max_paths >= 1 && var.max_paths <= 3000
    error_message = "max_paths is a whole number from 1 to 3000, as 100, and not ${var.max_paths}."
  }
}

variable "max_wildcards" {
  description = "Number of wildcards among the `max_paths` of one plan, from 1 to 300. CloudFront invalidates 15 at once in up to 25 seconds: 300 take eight minutes. With `batching`, the first plan of a deploy has at most 12 and a later one 15; more only where an inventory shows that a second round keeps unchanged objects in the cache, at least 2 % of the number of changes."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = floor(var.max_wildcards) == var.max_wildcards && var.max_wildcards >= 1 && var.max_wildcards <= 300
    error_message = "max_wildcards is a whole number from 1 to 300, as 30, and not ${var.max_wildcards}."
  }
}

variable "max_paths_per_hour" {
  description = "Number of paths that changes may cost each distribution in an hour ($0.005 each), at most; `null` for no bound. While Lambda does not replace the functions' processes, an hour costs at most a quarter of it, and a long stream of changes an eighth. As it is approached, plans get fewer and broader items and wait for up to five minutes; no change is lost. A bound under 60 is not kept, since a distribution may always be sent two paths in four minutes. Direct requests do not count, and with `batching = null` nothing is bounded."
  type        = number
  default     = 4000

  validation {
    condition     = var.max_paths_per_hour == null || try(floor(var.max_paths_per_hour) == var.max_paths_per_hour && var.max_paths_per_hour >= 1, false)
    error_message = "max_paths_per_hour is a whole number from 1, as 4000, or null for no bound."
  }
}

variable "min_wildcard_depth" {
  description = "Number of complete directories that must stand before a wildcard made by merging, from 0 to 20: `/*` has 0, `/img/*` has 1. The module uses fewer where a plan would exceed `max_paths`, or the paths that `max_paths_per_hour` leaves for it; with `max_paths_per_hour = null`, where a plan would exceed 3,000 items."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = floor(var.min_wildcard_depth) == var.min_wildcard_depth && var.min_wildcard_depth >= 0 && var.min_wildcard_depth <= 20
    error_message = "min_wildcard_depth is a whole number from 0 to 20, as 1, and not ${var.min_wildcard_depth}."
  }
}

variable "inventory" {
  description = "Whether to list the unchanged objects of a bucket before paths merge into wildcards, so that the fewest of them leave the cache. Grants permission for `s3:ListBucket` on `buckets`."
  type        = bool
  default     = true
  nullable    = false
}

variable "max_inventory_pages" {
  description = "Number of pages of 1,000 keys that are listed for one plan, from 1 to 300 ($0.000005 and up to 60 ms each). More than the default find better wildcards in most large buckets where a deploy changes many places."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = floor(var.max_inventory_pages) == var.max_inventory_pages && var.max_inventory_pages >= 1 && var.max_inventory_pages <= 300
    error_message = "max_inventory_pages is a whole number from 1 to 300, as 50, and not ${var.max_inventory_pages}."
  }
}

variable "tilde" {
  description = "How a `~` in a key is invalidated: `wildcard` (what stands before the `~`, and `*`; at the start of a name `%7E`, since the wildcard would be the whole directory) or `encoded` (`%7E`, which CloudFront accepts and may not match)."
  type        = string
  default     = "wildcard"
  nullable    = false

  validation {
    condition     = contains(["wildcard", "encoded"], var.tilde)
    error_message = "tilde is \"wildcard\" or \"encoded\", and not \"${var.tilde}\"."
  }
}

# What invokes the function.

variable "batching" {
  description = <<-EOT
    Queues in which changes wait, so that many become one invalidation; with `null` there are none, and each event goes to the function at once. Setting `null` on a running module loses the changes that wait.
    - `window_seconds` (default 5): whole seconds for which Lambda gathers a batch, from 0 to 300; it may take up to 20 s when there is little to do. Terraform drops a misspelt attribute in silence.
  EOT
  type = object({
    window_seconds = optional(number, 5)
  })
  default = {}

  validation {
    condition     = try(floor(var.batching.window_seconds) == var.batching.window_seconds && var.batching.window_seconds >= 0 && var.batching.window_seconds <= 300, var.batching == null)
    error_message = "batching.window_seconds is a whole number from 0 to 300, as 5, and not ${try(var.batching.window_seconds, "")}."
  }
}

variable "bucket_wiring" {
  description = <<-EOT
    Ways in which buckets report their changes, by their keys in `buckets`; `notification` by default. Moving a bucket away from `notification` empties its notification configuration at the end of the apply: configure other notifications in the next one.
    - `notification`: the module owns the bucket's notification configuration, and replaces the one that it has;
    - `eventbridge`: a rule, for a bucket that already sends its events to EventBridge;
    - `external`: only the permission, for a notification that is configured elsewhere.
  EOT
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for wiring in values(var.bucket_wiring) : contains(["notification", "eventbridge", "external"], wiring)])
    error_message = "bucket_wiring is \"notification\", \"eventbridge\" or \"external\" for each key of buckets, as { site = \"eventbridge\" }. Refused: ${jsonencode({ for key, wiring in var.bucket_wiring : key => wiring if !contains(["notification", "eventbridge", "external"], wiring) })}."
  }
}

variable "sns_topics" {
  description = "ARNs of standard SNS topics, in the region of the module, that carry S3 events or direct requests, by a key of your choice. The keys must be known at plan, the ARNs need not be. A renamed key ends the subscription of its topic until the next apply."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length([for arn in values(var.sns_topics) : arn if !can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))]) == 0
    error_message = "sns_topics holds ARNs of standard topics: { uploads = \"arn:aws:sns:eu-west-1:123456789012:uploads\" }. Refused: ${jsonencode({ for key, arn in var.sns_topics : key => arn if !can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn)) })}."
  }
}

variable "schedule_expression" {
  description = "Schedule on which `default_paths` of every route's distribution are invalidated, as an EventBridge expression: `cron(0 3 * * ? *)` is every night at three, UTC."
  type        = string
  default     = null

  # EventBridge User Guide, "Setting a schedule pattern": rate(1 day), rate(2 days); six fields of cron, one ? among the days.
  validation {
    condition = var.schedule_expression == null ? true : anytrue([
      can(regex("^rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)$", var.schedule_expression)),
      can(regex("^cron\\([0-9*/,-]+ [0-9*/,-]+ ([0-9*/,LW-]+ [0-9A-Z*/,-]+ [?]|[?] [0-9A-Z*/,-]+ [0-9A-Z*/,L#-]+) [0-9*/,-]+\\)$", var.schedule_expression)),
    ])
    error_message = "schedule_expression is ${jsonencode(var.schedule_expression)}. Write \"rate(1 day)\" or \"rate(2 days)\", or six fields of which one of the days is a ?: \"cron(0 3 * * ? *)\" (minute, hour, day of month, month, day of week, year)."
  }

  # The same page: the values of the six fields, as a list, a range, or with an increment.
  validation {
    condition = can(regex("^cron", var.schedule_expression)) ? alltrue(flatten([
      for number, field in split(" ", trim(trimprefix(var.schedule_expression, "cron"), "()")) : [
        for item in split(",", field) : can(regex([
          "^([*]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[0-9]+)?$",
          "^([*]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[0-9]+)?$",
          "^([*]|[?]|L(-[0-9]+)?|LW|(0?[1-9]|[12][0-9]|3[01])(W|-(0?[1-9]|[12][0-9]|3[01]))?)(/[0-9]+)?$",
          "^([*]|(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?)(/[0-9]+)?$",
          "^([*]|[?]|L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5]|-([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT))?)(/[0-9]+)?$",
          "^([*]|(19[7-9]|2[01][0-9])[0-9](-(19[7-9]|2[01][0-9])[0-9])?)(/[0-9]+)?$",
        ][min(number, 5)], item))
      ]
    ])) : true
    error_message = "schedule_expression is ${jsonencode(var.schedule_expression)}. Its minute is from 0 to 59, its hour from 0 to 23, its day of month from 1 to 31, its month from 1 to 12 or JAN to DEC, its day of week from 1 (Sunday) to 7 or SUN to SAT, its year from 1970 to 2199: \"cron(30 23 ? * MON-FRI *)\"."
  }
}

variable "codepipeline" {
  description = "Whether the function can be an action of a pipeline of CodePipeline. Grants permission for the two calls that answer a job."
  type        = bool
  default     = false
  nullable    = false
}

variable "invokers" {
  description = "Further callers that may invoke the function, by a name of your choice: a service (`events.amazonaws.com`) on behalf of one `source_arn`, S3 (`s3.amazonaws.com`) on behalf of one bucket's `source_arn` in one `source_account`, or an account or role (`principal` alone)."
  type = map(object({
    principal      = string
    source_arn     = optional(string)
    source_account = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name, invoker in var.invokers : can(regex("^[A-Za-z0-9_-]{1,90}$", name))])
    error_message = "An invoker's name has 1 to 90 letters, digits, - and _, as \"nightly_rule\". Refused: ${jsonencode([for name in keys(var.invokers) : name if !can(regex("^[A-Za-z0-9_-]{1,90}$", name))])}."
  }

  validation {
    condition     = alltrue([for invoker in var.invokers : can(regex("^([a-z0-9.-]+\\.amazonaws\\.com(\\.cn)?|[0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:[^*]+)$", invoker.principal))])
    error_message = "An invoker's principal is a service, an account or a role, as \"events.amazonaws.com\". Refused: ${jsonencode({ for name, invoker in var.invokers : name => invoker.principal if !can(regex("^([a-z0-9.-]+\\.amazonaws\\.com(\\.cn)?|[0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:[^*]+)$", invoker.principal)) })}."
  }

  validation {
    condition     = alltrue([for invoker in var.invokers : invoker.source_arn != null if can(regex("amazonaws", invoker.principal))])
    error_message = "A service that may invoke the function for anyone is open to every account: name its source_arn, as \"arn:aws:events:eu-west-1:123456789012:rule/nightly\". Refused: ${jsonencode([for name, invoker in var.invokers : name if can(regex("amazonaws", invoker.principal)) && invoker.source_arn == null])}."
  }

  validation {
    condition     = alltrue([for invoker in var.invokers : invoker.source_arn == null ? true : can(regex("^arn:aws[a-z-]*:[^*?]+$", invoker.source_arn))])
    error_message = "An invoker's source_arn is an ARN without a wildcard, as \"arn:aws:events:eu-west-1:123456789012:rule/nightly\". Refused: ${jsonencode({ for name, invoker in var.invokers : name => invoker.source_arn if invoker.source_arn == null ? false : !can(regex("^arn:aws[a-z-]*:[^*?]+$", invoker.source_arn)) })}."
  }

  # A bucket's ARN has no account: without source_account, the next owner of a deleted bucket's name could invoke.
  validation {
    condition     = alltrue([for invoker in var.invokers : invoker.source_account != null if startswith(invoker.principal, "s3.")])
    error_message = "S3 invokes for the buckets of one account: source_account = \"123456789012\". Refused: ${jsonencode([for name, invoker in var.invokers : name if startswith(invoker.principal, "s3.") && invoker.source_account == null])}."
  }

  validation {
    condition     = alltrue([for invoker in var.invokers : invoker.source_account == null ? true : can(regex("^[0-9]{12}$", invoker.source_account))])
    error_message = "An invoker's source_account has 12 digits, as \"123456789012\". Refused: ${jsonencode({ for name, invoker in var.invokers : name => invoker.source_account if invoker.source_account == null ? false : !can(regex("^[0-9]{12}$", invoker.source_account)) })}."
  }
}

variable "allow_wait" {
  description = "Whether a direct request may wait until its invalidation is completed (`{\"wait\": true}`). Grants permission for `cloudfront:GetInvalidation`."
  type        = bool
  default     = false
  nullable    = false
}

# The function.

variable "name" {
  description = "Name of the Lambda function, and prefix of its planner, role, queues, log group, rules, alarms and dashboard; unique in the account, over all regions, also among names that another instance had first. Changing it replaces the functions, the role, the log group with its log, the alarms and the dashboard; queues and rules keep the first name, and lose nothing."
  type        = string
  default     = "invalidate-cloudfront"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.name))
    error_message = "name has 1 to 48 letters, digits, - and _, since suffixes are added, as \"invalidate-cloudfront\". Refused: \"${var.name}\"."
  }
}

variable "runtime" {
  description = "Lambda runtime of the functions: `python3.11` to `python3.13`; `python3.14` with version 6.21 or later of the AWS provider; `python3.10`, which Lambda no longer supports since 2026-10-31, for functions that exist."
  type        = string
  default     = "python3.13"
  nullable    = false

  validation {
    condition     = contains(["python3.10", "python3.11", "python3.12", "python3.13", "python3.14"], var.runtime)
    error_message = "runtime is python3.10, python3.11, python3.12, python3.13 or python3.14, and not ${var.runtime}."
  }
}

variable "architecture" {
  description = "Processor architecture of the functions: `arm64` costs a fifth less, `x86_64` is offered in every region."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is \"arm64\" or \"x86_64\", and not \"${var.architecture}\"."
  }
}

variable "memory_mb" {
  description = "Memory of each function in MB, from 128 to 10240. Lambda gives processor time in proportion."
  type        = number
  default     = 256
  nullable    = false

  validation {
    condition     = floor(var.memory_mb) == var.memory_mb && var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb is a whole number from 128 to 10240, as 256, and not ${var.memory_mb}."
  }
}

variable "timeout_seconds" {
  description = "Time in seconds after which Lambda ends a direct request, a collection, or with `batching = null` an invalidation, from 5 to 900. A collection that was ended is repeated `timeout_seconds` plus `window_seconds` after its messages were received."
  type        = number
  default     = 50
  nullable    = false

  validation {
    condition     = floor(var.timeout_seconds) == var.timeout_seconds && var.timeout_seconds >= 5 && var.timeout_seconds <= 900
    error_message = "timeout_seconds is a whole number from 5 to 900, as 50, and not ${var.timeout_seconds}."
  }
}

variable "reserved_concurrency" {
  description = "Number of executions reserved for the function, and its bound, at least 2 with `batching`; AWS refuses to leave fewer than 100 of the account's executions unreserved; where it is set, 2 more are reserved for the planner. Unset by default: a new account has too few (often 10) to reserve any."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null || try(floor(var.reserved_concurrency) == var.reserved_concurrency && var.reserved_concurrency >= 1, false)
    error_message = "reserved_concurrency is a whole number from 1, as 5, or null. With 0 the function would never run."
  }
}

variable "log_level" {
  description = "Lowest level of the log records that the functions write: `DEBUG`, `INFO`, `WARN` or `ERROR`."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "log_level is DEBUG, INFO, WARN or ERROR, and not ${var.log_level}."
  }
}

variable "log_retention_days" {
  description = "Time in days for which the log is kept, as CloudWatch offers it."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days is ${var.log_retention_days}, and CloudWatch has 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653."
  }
}

variable "tracing" {
  description = "Whether X-Ray traces the functions, at its own charge."
  type        = bool
  default     = false
  nullable    = false
}

# Encryption, boundaries and signing.

variable "kms_key" {
  description = "KMS key that encrypts the queues, the log group and the functions' environment, by its `arn`, which may be unknown at plan; AWS's own keys by default. Its policy must let the services that write (`logs.<region>.amazonaws.com`, and `s3`, `events` or `sns.amazonaws.com`) use it."
  type = object({
    arn = string
  })
  default = null

  validation {
    condition     = var.kms_key == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key.arn))
    error_message = "kms_key.arn is the ARN of a key, not of its alias: { arn = \"arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab\" }. Refused: ${jsonencode(var.kms_key)}."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the permissions boundary of the role."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn is the ARN of a policy, as \"arn:aws:iam::123456789012:policy/boundary\". Refused: ${jsonencode(var.permissions_boundary_arn)}."
  }
}

variable "role_path" {
  description = "IAM path of the role, which begins and ends with a slash. Changing it replaces the role; a path other than `/` adds its digest to the role's name."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^/([!-.0-~]+/)*$", var.role_path)) && length(var.role_path) <= 512
    error_message = "role_path begins and ends with a slash, as \"/service/\". Refused: \"${var.role_path}\"."
  }
}

variable "code_signing_config_arn" {
  description = "ARN of a code signing configuration of Lambda. One that enforces signatures refuses the module's own package: give `signed_package` with it."
  type        = string
  default     = null

  validation {
    condition     = var.code_signing_config_arn == null || can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:.+$", var.code_signing_config_arn))
    error_message = "code_signing_config_arn is the ARN of a code signing configuration, as \"arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0f6c334abcdea4d8b\". Refused: ${jsonencode(var.code_signing_config_arn)}."
  }
}

variable "signed_package" {
  description = "S3 object that holds `lambda/dist/invalidator.zip` of this version of the module, signed by AWS Signer: its `bucket`, `key` and, optionally, `version`. Another version of the module needs another `key` or `version`. By default the functions run the package in the module."
  type = object({
    bucket  = string
    key     = string
    version = optional(string)
  })
  default = null

  validation {
    condition     = var.signed_package == null ? true : can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$", var.signed_package.bucket)) && try(length(var.signed_package.key) > 0, false)
    error_message = "signed_package names a bucket and a key in it: { bucket = \"example-packages\", key = \"signed/invalidator.zip\" }. Refused: ${jsonencode(var.signed_package)}."
  }
}

# Monitoring.

variable "alarm_actions" {
  description = "ARNs, such as of an SNS topic, that are notified of dead letters, errors, throttling, changes that are older than five minutes, and an hour that costs more than a fifth of `max_paths_per_hour`. Alarms are made when there is one."
  type        = list(string)
  default     = []
  nullable    = false

  # CloudWatch API reference, PutMetricAlarm.
  validation {
    condition     = length(var.alarm_actions) <= 5
    error_message = "An alarm notifies at most 5 ARNs, and alarm_actions has ${length(var.alarm_actions)}: give one SNS topic, and subscribe the others to it."
  }

  validation {
    condition     = length([for arn in var.alarm_actions : arn if !can(regex("^arn:aws[a-z-]*:", arn))]) == 0
    error_message = "alarm_actions are ARNs, as [\"arn:aws:sns:eu-west-1:123456789012:on-call\"]. Refused: ${jsonencode([for arn in var.alarm_actions : arn if !can(regex("^arn:aws[a-z-]*:", arn))])}."
  }
}

variable "dashboard" {
  description = "Whether to make a CloudWatch dashboard that shows for each distribution whether the function keeps up, what it costs, and what failed. The functions then also send their nine metrics for each distribution ($0.30 a month each)."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Tags of every resource that takes tags."
  type        = map(string)
  default     = {}
  nullable    = false

  # AWS General Reference, "Tagging AWS resources": names that begin with aws: are AWS's own. A name and a value may be unknown.
  validation {
    condition     = length([for name, value in var.tags : name if can(regex("^(?i:aws:)", name)) || length(name) > 128 || length(name) == 0]) == 0
    error_message = "The name of a tag has 1 to 128 characters and does not begin with aws:, as { Service = \"site\" }. Refused: ${jsonencode([for name, value in var.tags : name if can(regex("^(?i:aws:)", name)) || length(name) > 128 || length(name) == 0])}."
  }
}
