# Every door of the house; `make` alone lists them.
#
# A door installs what it needs: Debian packages by apt-get when one is missing (that needs root),
# Python tools into a venv under ~/.cache/hbd (see .ci/venv). On a fresh machine it takes
# `apt-get install -y git make` and nothing else.

# The Debian of the lab's nodes: bookworm or trixie. Some stories are told on both in any case.
SUITE      ?= bookworm
export HBD_SUITE ?= $(SUITE)
NODE       ?= ttisrv1
RUNS       ?= 5
AT_ONCE    ?= 3
SEEDS      ?= 1000
SHORT_SEEDS ?= 60
FIRST_SEED ?= 1

VERSION   := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' hbd/__init__.py)
DEB       := build/hbd_$(VERSION)_all.deb
PAGE_DEB  := build/cockpit-hbd_$(VERSION)_all.deb
SHIPPED   := Makefile LICENSE NEWS.md README.md pyproject.toml hbd units dbus polkit completion man desktop debian
SOURCES   := $(shell find $(SHIPPED) -type f -not -name '*.pyc')
PAGE      := build/cockpit/index.html
PAGE_SOURCES := $(wildcard cockpit/*.*) $(shell find cockpit/src -type f)

# Where the house's own tools come from. The lab's own list is kept beside the lab.
CHECK_PACKAGES := python3 python3-venv dbus mandoc systemd appstream desktop-file-utils
DEB_PACKAGES   := dpkg-dev debhelper dh-python python3
PAGE_PACKAGES  := python3 python3-venv
LAB_PACKAGES    = $(shell sed 's/\#.*//' tests/lab/harness/HOST_PACKAGES)
VM_PACKAGES     = $(shell sed 's/\#.*//' tests/vm/harness/HOST_PACKAGES)

# Evaluated by the shell when a recipe runs; deps-check has made it by then.
PY     = $$(.ci/venv)/bin/python
NODE_BIN = $$(.ci/page)
PYTEST = PYTHONASYNCIODEBUG=1 $(PY) -m pytest
# Stories wait more than they work, so there may be more of them at once than this machine has cores.
# The stories of a file share their cluster, and so their worker.
STORIES = $(PYTEST) -n $(AT_ONCE) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help deps-check deps-deb deps-lab deps-page deps-vm venv check sim sim-unsafe sim-rewrite lab migrate interop vm vm-up test \
	demo demo-shell demo-down screenshot bench cockpit cockpit-check deb install install-node install-desktop install-cockpit clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "make %-15s %s\n", $$1, $$2 }'

demo: deps-check deps-lab deb ## boot two nodes and watch them fail over (SUITE=trixie: Debian 13)
	$(PY) -m tests.lab.demo --suite $(SUITE)

demo-shell: ## look around in the demo's nodes (NODE=ttisrv2)
	$(PY) -m tests.lab.harness shell $(NODE)

demo-down: ## remove every trace of the demo
	$(PY) -m tests.lab.harness down

# The virtual machines have the machine to themselves: they are emulated, and what they miss is time.
test: deps-check deps-lab deps-vm deb cockpit-check ## everything, of the virtual machines the short form (root)
	$(PYTEST) -s -m short tests/vm; machines=$$?; \
	SEEDS=$(SHORT_SEEDS) $(STORIES) tests/lab tests/sim tests/bus tests/unit tests/house && exit $$machines

check: deps-check ## house, unit, bus and a short simulation: about a minute, no root
	$(PYTEST) -n 2 --dist worksteal

sim: deps-check ## a longer simulation (SEEDS=1000 FIRST_SEED=1); a failure prints its seed
	SEEDS=$(SEEDS) FIRST_SEED=$(FIRST_SEED) $(PYTEST) -n 2 --dist worksteal tests/sim

sim-unsafe: deps-check ## which faults together make two writers where nothing protects (SEEDS=1000)
	SEEDS=$(SEEDS) FIRST_SEED=$(FIRST_SEED) $(PY) -m tests.sim.unsafe

sim-rewrite: deps-check ## tell the stories in tests/sim/scenarios anew; then read the difference
	REWRITE=1 $(PYTEST) tests/sim/test_scenarios.py; git diff --stat tests/sim/scenarios

lab: deps-check deps-lab deb ## only the lab's stories (root, SUITE=trixie)
	$(STORIES) tests/lab

migrate: deps-check deps-lab deb ## heartbeat becomes hbd under a working client: hbd-migrate(7), measured (root, SUITE=trixie)
	$(PYTEST) -s tests/lab/test_migrate.py

interop: deps-check deps-lab deb ## hbd with Debian's heartbeat: every medium, signature and story (root; about an hour)
	INTEROP=full $(PYTEST) -n $(AT_ONCE) --dist loadscope tests/lab/interop

vm: deps-check deps-lab deps-vm deb ## only the virtual machines' stories (root)
	$(PYTEST) -s tests/vm

vm-up: deps-check deps-lab deps-vm deb ## virtual machines to look around in, until Ctrl-C
	$(PY) -m tests.vm.harness up

screenshot: deps-check deps-lab deb ## take the README's picture of the Cockpit page anew (root)
	$(PY) -m tests.lab.web.readme

bench: deps-check deps-lab deb ## client gaps and the daemon's own cost (RUNS=5)
	$(PY) -m tests.lab.bench --suite $(SUITE) --runs $(RUNS)

venv: deps-check ## the development venv; prints where it is
	@.ci/venv

deps-check: ## install what `check` needs
	@.ci/need $(CHECK_PACKAGES)
	@.ci/venv >/dev/null

deps-deb: ## install what `deb` needs
	@.ci/need $(DEB_PACKAGES)

deps-lab: ## install what the lab and the demo need
	@.ci/need $(LAB_PACKAGES)

deps-vm: ## install what the virtual machines need
	@.ci/need $(VM_PACKAGES)

deps-page: ## install what the Cockpit page is built with
	@.ci/need $(PAGE_PACKAGES)
	@.ci/page >/dev/null

cockpit: $(PAGE) ## build the Cockpit page into build/cockpit

cockpit-check: deps-page ## types and unit tests of the Cockpit page
	cd cockpit && $$(../.ci/page)/node node_modules/typescript/bin/tsc
	cd cockpit && $$(../.ci/page)/node --test 'test/*.test.ts'

$(PAGE): $(PAGE_SOURCES) | deps-page
	$(NODE_BIN)/node cockpit/build.mjs build/cockpit

deb: $(DEB) ## the Debian packages, for Debian 12 and 13 alike

# Built from a copy, because dpkg-buildpackage writes beside and into its source folder. It would
# also ask for build-essential, a C compiler: deps-deb has seen to what is really needed. The page
# comes along as it was built, so that packaging needs no node.
$(PAGE_DEB): $(DEB)
$(DEB): $(SOURCES) $(PAGE) | deps-deb
	rm -rf build/deb build/*.deb
	mkdir -p build/deb/hbd
	tar -c --exclude=__pycache__ $(SHIPPED) build/cockpit | tar -x -C build/deb/hbd
	cd build/deb/hbd && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >../build.log 2>&1 \
		|| { cat ../build.log; exit 1; }
	mv build/deb/*.deb build/
	rm -rf build/deb

# $(call put,FILES,FOLDER[,MODE]): what exists of FILES goes to FOLDER below DESTDIR.
put = $(if $(wildcard $(1)),install -D -m $(or $(3),644) -t $(DESTDIR)$(2) $(wildcard $(1)))
# $(call put_as,FILE,PATH[,MODE]): one file under another name.
put_as = $(if $(wildcard $(1)),install -D -m $(or $(3),644) $(1) $(DESTDIR)$(2))
# $(call command,PATH,MODULE[,FUNCTION]): a command that runs MODULE.main or another FUNCTION; -I: no
# one's PYTHONPATH reaches root.
command = install -d $(DESTDIR)$(dir $(1)) && printf '%s\n' '\#!/usr/bin/python3 -I' \
	'import sys' '' 'from $(2) import $(or $(3),main)' '' 'sys.exit($(or $(3),main)())' >$(DESTDIR)$(1) && \
	chmod 755 $(DESTDIR)$(1)
# $(call heartbeat,NAME): a command of heartbeat's, in the PATH and where its scripts had it.
heartbeat = $(call command,/usr/bin/$(1),hbd.cli.heartbeat,$(1)) && \
	install -d $(DESTDIR)/usr/share/heartbeat && ln -sf ../../bin/$(1) $(DESTDIR)/usr/share/heartbeat/$(1)

PYTHONDIR ?= /usr/lib/python3/dist-packages

install: install-node install-desktop ## copy everything to its place (DESTDIR=)

install-node: # what a server needs: the package hbd
	find hbd -name '*.py' -not -path 'hbd/notify/*' -exec install -D -m 644 {} $(DESTDIR)$(PYTHONDIR)/{} \;
	$(call command,/usr/sbin/hbd,hbd.__main__)
	$(call command,/usr/bin/hbctl,hbd.cli.main)
	$(call command,/usr/bin/hbd-replay,hbd.replay.main)
	$(call command,/usr/bin/cl_status,hbd.cli.heartbeat,cl_status)
	$(call heartbeat,hb_standby)
	$(call heartbeat,hb_takeover)
	$(call command,/usr/libexec/hbd/check,hbd.check.examine)
	$(call command,/usr/libexec/hbd/holders,hbd.systemd.naming)
	$(call put,units/*.service units/*.target units/*.timer units/*.socket units/*.path,/usr/lib/systemd/system)
	$(call put_as,units/hbd.preset,/usr/lib/systemd/system-preset/50-hbd.preset)
	$(call put_as,units/hbd.sysusers,/usr/lib/sysusers.d/hbd.conf)
	$(call put_as,units/hbd.tmpfiles,/usr/lib/tmpfiles.d/hbd.conf)
	$(call put,units/*.catalog,/usr/lib/systemd/catalog)
	$(call put_as,units/hbd-deadman,/usr/libexec/hbd/deadman,755)
	$(call put,dbus/*.conf,/usr/share/dbus-1/system.d)
	$(call put,dbus/*.xml,/usr/share/dbus-1/interfaces)
	$(call put,polkit/*.policy,/usr/share/polkit-1/actions)
	$(call put,polkit/*.rules,/usr/share/polkit-1/rules.d)
	$(call put,completion/*,/usr/share/bash-completion/completions)
	$(call put,$(filter-out man/hbd-notify.1,$(wildcard man/*.1)),/usr/share/man/man1)
	$(call put,man/*.5,/usr/share/man/man5)
	$(call put,man/*.7,/usr/share/man/man7)
	$(call put,man/*.8,/usr/share/man/man8)
	install -d $(DESTDIR)/etc/ha.d/resource.d

install-desktop: # what a desktop needs beside it: the package hbd-desktop
	find hbd/notify -name '*.py' -exec install -D -m 644 {} $(DESTDIR)$(PYTHONDIR)/{} \;
	$(call command,/usr/bin/hbd-notify,hbd.notify.main)
	$(call put,units/user/*.service,/usr/lib/systemd/user)
	$(call put_as,units/user/hbd-user.preset,/usr/lib/systemd/user-preset/50-hbd.preset)
	$(call put,desktop/*.desktop,/usr/share/applications)
	$(call put,desktop/*.metainfo.xml,/usr/share/metainfo)
	$(call put,desktop/*.svg,/usr/share/icons/hicolor/scalable/apps)
	$(call put,man/hbd-notify.1,/usr/share/man/man1)

install-cockpit: ## copy the built Cockpit page to its place (DESTDIR=)
	$(call put,build/cockpit/*,/usr/share/cockpit/hbd)

clean: ## remove what was built here
	rm -rf build out cockpit/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
