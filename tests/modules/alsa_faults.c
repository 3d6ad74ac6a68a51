/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded in front of libasound: lets the transfer number ALSA_FAULT_AT fail with the error number ALSA_FAULT, as
 * the kernel reports an xrun (EPIPE), a suspended machine (ESTRPIPE) or an unplugged device (ENODEV), and the rest work.
 */
#include <alsa/asoundlib.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

static int transfers, resumes;

/* A number from 1 to 999999, or 0 for anything else. */
static int number_in(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long value = text ? strtol(text, &end, 10) : 0;
	return text && *text && !*end && value > 0 && value < 1000000 ? (int)value : 0;
}

static int fault(snd_pcm_t *pcm)
{
	int at = number_in("ALSA_FAULT_AT"), error = number_in("ALSA_FAULT");
	if (!at || !error || ++transfers != at)
		return 0;
	snd_pcm_drop(pcm);
	return -error;
}

snd_pcm_sframes_t snd_pcm_readi(snd_pcm_t *pcm, void *buffer, snd_pcm_uframes_t size)
{
	snd_pcm_sframes_t (*real)(snd_pcm_t *, void *, snd_pcm_uframes_t);
	*(void **)&real = dlsym(RTLD_NEXT, "snd_pcm_readi");
	int error = fault(pcm);
	return error ? error : real(pcm, buffer, size);
}

snd_pcm_sframes_t snd_pcm_writei(snd_pcm_t *pcm, const void *buffer, snd_pcm_uframes_t size)
{
	snd_pcm_sframes_t (*real)(snd_pcm_t *, const void *, snd_pcm_uframes_t);
	*(void **)&real = dlsym(RTLD_NEXT, "snd_pcm_writei");
	int error = fault(pcm);
	return error ? error : real(pcm, buffer, size);
}

/* A driver that is not awake yet, and then cannot resume in the middle of the stream. */
int snd_pcm_resume(snd_pcm_t *pcm)
{
	(void)pcm;
	return resumes++ < 2 ? -EAGAIN : -ENOSYS;
}
