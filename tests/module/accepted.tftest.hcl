# No rule of the inputs refuses what AWS accepts.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

run "unusual_values_are_accepted" {
  command = plan

  module {
    source = "./tests/module/accepted"
  }

  variables {
    # EventBridge User Guide, "Setting a schedule pattern".
    schedules = [
      "cron(15 10 ? * 6L 2026-2030)", "cron(0/5 8-17 ? * MON-FRI *)", "cron(0 18 L * ? *)", "cron(0 8 1W * ? *)",
      "cron(0 9 ? * 2#1 *)", "cron(0,30 */2 1,15 JAN-MAR,12 ? *)", "cron(05 03 01 * ? *)", "rate(5 minutes)", "rate(1 hour)",
    ]

    # Made before 2018, the last two.
    buckets = ["a.b", "0-example-9", "Example-Site", "example_site"]

    # Names of objects may hold anything but begin with no slash in practice.
    routes = {
      name   = { prefix = "docs" }
      spaced = { prefix = "a b/é+(1)/", suffix = ".min.css" }
      all    = { prefix = "", suffix = "" }
      origin = { prefix = "site/docs/", origin_path = "/site" }
      deep   = { origin_path = "/a/b c/d" }
    }

    default_paths = ["/*", "/", "/index.html?*", "/%7Ea*", "/a/b(1),'x';y=1&z!$:@+/*"]
  }

  assert {
    condition     = output.planned == 23
    error_message = "Every value should plan: ${output.planned}"
  }
}
