# The settings that the function gets are the documents that its own tests read.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

run "distribution_alone" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition     = jsondecode(aws_lambda_function.this.environment[0].variables.SETTINGS) == jsondecode(file("tests/fixtures/settings/distribution-alone.json"))
    error_message = "SETTINGS differs from the fixture: ${aws_lambda_function.this.environment[0].variables.SETTINGS}"
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables.DISTRIBUTION_ID == "E2QWRUHEXAMPLE"
    error_message = "A direct request that names no distribution must find the one that the caller named."
  }
}
