# SPDX-License-Identifier: Apache-2.0
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %D%/bash-completion/qvisio-module
sampledir = $(docdir)/examples
dist_sample_DATA = %D%/qkd-key.conf %D%/qkd-kme.conf %D%/pki.conf %D%/relay-demo.conf %D%/visio_client.conf %D%/visio_client.json %D%/visio_server.conf %D%/visio_server.json
