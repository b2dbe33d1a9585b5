# Whatever is made in the same apply, the module plans with it: a mocked provider leaves computed attributes unknown.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

run "every_form_plans_before_anything_exists" {
  command = plan

  module {
    source = "./tests/module/unknown"
  }

  assert {
    condition = toset(output.planned.names) == toset([
      "company", "depending", "each-docs", "each-shop", "every-bucket", "external", "shared-eventbridge",
      "shared-notification", "short-form", "straight",
    ])
    error_message = "Every form of the inputs should plan with unknown values: ${jsonencode(output.planned.names)}"
  }
}
