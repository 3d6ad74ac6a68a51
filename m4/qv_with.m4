# SPDX-License-Identifier: Apache-2.0
#
# QV_WITH(NAME, PKG-CONFIG MODULES, WHAT NEEDS IT)
#
# --with-NAME=yes|no|auto. Finds the library with pkg-config; sets NAME_CFLAGS and NAME_LIBS, the conditional
# WITH_NAME and a line for the summary. "yes" and absent is an error, "auto" and absent builds without.
AC_DEFUN([QV_WITH], [
  m4_pushdef([QV_UP], m4_translit([$1], [a-z0-9-], [A-Z0-9_]))
  m4_pushdef([QV_LOW], m4_translit([$1], [-], [_]))
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--with-$1=yes|no|auto], [build $3 @<:@auto@:>@])],
    [AS_CASE([$withval], [yes|no|auto], [],
      [AC_MSG_ERROR([--with-$1 takes yes, no or auto, not "$withval"])])],
    [with_]QV_LOW[=auto])
  [qv_found_]QV_LOW[=no]
  AS_IF([test "x$with_]QV_LOW[" != xno],
    [PKG_CHECK_MODULES(QV_UP, [$2], [qv_found_]QV_LOW[=yes],
      [AS_IF([test "x$with_]QV_LOW[" = xyes],
        [AC_MSG_ERROR([--with-$1=yes, but pkg-config does not find "$2"; install it or use --with-$1=no])])])])
  AM_CONDITIONAL([WITH_]QV_UP, [test "x$qv_found_]QV_LOW[" = xyes])
  QV_SUMMARY="$QV_SUMMARY
  $1: $qv_found_[]QV_LOW ($3)"
  m4_popdef([QV_LOW])
  m4_popdef([QV_UP])
])
