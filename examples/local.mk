# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	%D%/installcheck.sh \
	%D%/keysource-folder/Makefile \
	%D%/keysource-folder/folder.c \
	%D%/videosource-stripes/Makefile \
	%D%/videosource-stripes/stripes.c

installcheck-local:
	$(SHELL) $(srcdir)/%D%/installcheck.sh '$(abs_srcdir)' '$(DESTDIR)$(bindir)' '$(DESTDIR)$(libdir)' \
		'$(DESTDIR)$(pkgconfigdir)'
