# What can be done with this repository: `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
TOOLS := .tools
BENCH_PYTHON := $(or $(CARGO_TARGET_DIR),target)/bench-python
STACK := $(VENV)/bin/python tests/local/stack/stack.py
FUNCTIONS := policy data-source user integration outcome reconcile mask webhook
# The package of `mask` has another name than its library, which is redoubt-mask.
FUNCTION_PACKAGES := $(foreach name,$(FUNCTIONS),-p redoubt-$(name)$(if $(filter mask,$(name)),-function))
CARGO_DENY_VERSION := 0.20.2

# The tests that need the stack, as cargo-nextest selects them.
STACK_TESTS := binary(/^(e2e|attacks|several|soak)$$/)

# For `make package` and `make deploy`.
ARCHITECTURE ?= arm64
STACK_NAME ?= redoubt
# Variables of `make deploy` and the parameters they are; PARAMETERS takes any others as NAME=VALUE.
DEPLOY_OPTIONS := SETUP_SECRET_ARNS:SetupSecretArns SECRET_KEY_ARNS:SecretKeyArns ALARM_TOPIC_ARN:AlarmTopicArn \
  MASK_INVOKER_ROLES:MaskInvokerRoles WEBHOOK_SECRET_ARN:WebhookSecretArn PREFIX:Prefix

##@ Use

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: up ## Send governance events about TPC-H data and see what each user sees (starts the stack)
	@source .local/env && "$${CARGO_TARGET_DIR:-target}/debug/demo"

.PHONY: up
up: deps build ## Start the local stack, or deploy what has changed; returns when it is ready
	@$(STACK) up

.PHONY: down
down: $(VENV)/installed ## Stop the local stack and drop its state
	@$(STACK) down

.PHONY: status
status: $(VENV)/installed ## Show servers, queues and functions of the local stack
	@$(STACK) status

##@ Build and check

.PHONY: deps
deps: $(VENV)/installed ## Install what building and testing need, where missing
	@tests/local/stack/install-packages

$(VENV)/installed: tests/local/stack/requirements.txt
	@tests/local/stack/install-packages
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

.PHONY: build
build: ## Build everything for this machine
	cargo build --locked --workspace --bins

.PHONY: test
test: deps lint build infra ## Run every check and every test (starts the stack, and stops it if it wasn't running)
	cargo test --locked --quiet --workspace --doc
	@if cargo nextest --version >/dev/null 2>&1; then \
	  $(STACK) run -- cargo nextest run --locked --workspace --no-fail-fast; \
	else \
	  $(STACK) run -- cargo test --locked --workspace --no-fail-fast --lib --bins --tests; \
	fi

.PHONY: test-unit
test-unit: build ## Run the tests that need no stack
	@if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --locked --workspace --no-fail-fast -E 'not $(STACK_TESTS)'; \
	else \
	  echo 'cargo-nextest is not installed: leaving out the integration tests, which cargo test cannot tell apart'; \
	  cargo test --locked --workspace --no-fail-fast --lib --bins; \
	fi

.PHONY: differential
differential: build ## Hold the SQL against what policies mean, in many random cases (CASES=20000, SEED=…)
	REDOUBT_DIFFERENTIAL_CASES=$(or $(CASES),20000) REDOUBT_DIFFERENTIAL_SEED=$(SEED) \
	  cargo test --locked --quiet -p redoubt-tests --test differential -- --nocapture

.PHONY: soak
soak: deps build ## Events for long while functions are killed and PostgreSQL restarts (MINUTES=30, SEED=…); a stack of its own
	@$(STACK) --dir .local/soak run -- env REDOUBT_SOAK_MINUTES=$(or $(MINUTES),30) REDOUBT_SOAK_SEED=$(SEED) \
	  cargo test --locked --quiet -p redoubt-tests --test soak -- --nocapture

.PHONY: infra
infra: $(VENV)/installed build ## Check the SAM template and the CDK construct: lints, security, grants, that both are the same
	@infra/checks/install $(TOOLS)
	infra/checks/run $(VENV)/bin/python $(TOOLS)

.PHONY: simulate
simulate: ## Run random histories with faults in virtual time (SEEDS=1000, FIRST=0), or one with its history (SEED=n)
	SEEDS=$(or $(SEEDS),1000) FIRST=$(FIRST) SEED=$(SEED) \
	  cargo run --locked --quiet --profile simulate -p redoubt-simulate

.PHONY: scale
scale: ## Simulate large bursts under the real quotas and hold them against targets (SOURCES=10000, USERS=100000, LOAD=100000)
	SOURCES=$(SOURCES) USERS=$(USERS) LOAD=$(LOAD) cargo run --locked --quiet --profile simulate -p redoubt-simulate -- scale

.PHONY: lint
lint: ## Check format, lints, and the dependencies if cargo-deny is installed
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then \
	  echo 'cargo deny check licenses bans sources'; cargo deny --locked --offline check licenses bans sources; \
	else \
	  echo 'NOT CHECKED: licences, sources and duplicates of dependencies: make deny installs cargo-deny'; \
	fi

.PHONY: deny
deny: ## Check the dependencies' advisories, licences and sources; installs cargo-deny if need be
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny --version $(CARGO_DENY_VERSION)
	cargo deny --locked check

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all

.PHONY: golden
golden: ## Accept the SQL that is printed now as the golden files; review the difference before committing it
	UPDATE_GOLDEN=1 cargo test --locked --quiet -p redoubt-tests --test golden

.PHONY: schemas
schemas: ## Write the JSON Schemas of the events anew from their types
	cargo run --locked --quiet -p redoubt-tests --bin schemas

.PHONY: bench
bench: $(BENCH_PYTHON)/installed ## Measure rendering, coalescing, masking, binary sizes and start times (builds for release)
	cargo build --locked --release $(FUNCTION_PACKAGES)
	cargo run --locked --quiet --release -p redoubt-bench

# What masking is compared with.
$(BENCH_PYTHON)/installed: tests/bench/masking/requirements.txt
	python3 -m venv $(BENCH_PYTHON)
	$(BENCH_PYTHON)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

##@ Deploy

.PHONY: package
package: $(VENV)/installed ## Build the functions for Lambda (ARCHITECTURE=arm64 or x86_64)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement infra/requirements.txt
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo lambda build --locked --release --disable-optimizations \
	  $(if $(filter arm64,$(ARCHITECTURE)),--arm64,--x86-64) $(FUNCTION_PACKAGES)

.PHONY: deploy
deploy: ## Deploy what was packaged with the AWS SAM CLI (needs WAREHOUSE_ARNS and SECRET_ARNS; docs/deploy.md has the others)
	@command -v sam >/dev/null || { echo 'error: the AWS SAM CLI (sam) is not installed' >&2; exit 1; }
	@test -n "$(WAREHOUSE_ARNS)" -a -n "$(SECRET_ARNS)" || { \
	  echo 'error: name the warehouses and secrets: make deploy WAREHOUSE_ARNS=arn:... SECRET_ARNS=arn:...' >&2; exit 1; }
	sam deploy --template-file infra/template.yaml --stack-name $(STACK_NAME) --resolve-s3 \
	  --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset --parameter-overrides \
	  Architecture=$(ARCHITECTURE) "WarehouseArns=$(WAREHOUSE_ARNS)" "SecretArns=$(SECRET_ARNS)" \
	  $(foreach option,$(DEPLOY_OPTIONS),$(if $($(firstword $(subst :, ,$(option)))),\
	  "$(lastword $(subst :, ,$(option)))=$($(firstword $(subst :, ,$(option))))")) $(PARAMETERS)

##@ Clean

.PHONY: clean-local
clean-local: $(VENV)/installed ## Stop the stack and remove its logs and packages too
	@$(STACK) down --purge

.PHONY: clean
clean: clean-local ## Remove everything that was built or installed here
	cargo clean
	rm -rf $(VENV) $(TOOLS) infra/cdk/node_modules infra/cdk/dist
